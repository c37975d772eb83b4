-- An account buys or pays in the minute in which it signs up.
--
-- People look around first; programs do not, nor do guests whose account is made at the till.
--
-- Access: read
-- Parameters:
--   $window_ms  int     time from the sign-up
--   $types      list    types of events that spend
-- Returns: identifier_key, account_ids, account_count, at, detail
-- Severity: medium
-- Points: 0
-- Subject: accounts
-- Picture: account
-- Defaults: {"window_ms": 60000, "types": ["payment", "purchase", "subscription", "transfer"]}
WITH began AS (
    SELECT account_id, min("at") AS began_at FROM event WHERE type = 'signup' GROUP BY account_id
),
spent AS (
    SELECT account_id, min("at") AS "at" FROM event
    WHERE list_contains($types, type) AND outcome IS DISTINCT FROM 'failure'
    GROUP BY account_id
)
SELECT '' AS identifier_key, [account_id] AS account_ids, 1 AS account_count, "at",
    account_id || ' paid ' || ("at" - began_at) // 1000 || ' seconds after it signed up' AS detail
FROM began JOIN spent USING (account_id)
WHERE "at" - began_at BETWEEN 0 AND $window_ms;
