-- From one device or address logins to many accounts fail, and to some of them succeed.
--
-- Stolen passwords are tried so, each once. Behind a carrier's address many fail, too, but most succeed, and
-- who mistypes gets in the second time.
--
-- Access: read
-- Parameters:
--   $window_ms     int     time before and after a success
--   $min_accounts  int     fewest accounts to which logins only failed
--   $min_share     float   share of the accounts tried to which they only failed
-- Returns: identifier_key, account_ids, account_count, at, detail
-- Severity: high
-- Points: 25
-- Subject: identifier
-- Picture: identifier
-- Defaults: {"window_ms": 3600000, "min_accounts": 10, "min_share": 0.8}
WITH tried AS (
    SELECT unnest(identifier_keys) AS key, account_id, "at", outcome
    FROM event
    WHERE type = 'login' AND outcome IS NOT NULL
),
near AS (
    SELECT key, account_id, "at", outcome,
        count(DISTINCT account_id) OVER around AS accounts,
        count(DISTINCT CASE WHEN outcome = 'success' THEN account_id END) OVER around AS opened
    FROM tried
    WHERE key IN (
        SELECT key FROM tried WHERE outcome = 'failure' GROUP BY key
        HAVING count(DISTINCT account_id) >= $min_accounts
    )
    WINDOW around AS (
        PARTITION BY key ORDER BY "at"
        RANGE BETWEEN $window_ms PRECEDING AND $window_ms FOLLOWING
    )
),
broken AS (
    SELECT key, list(DISTINCT account_id) AS account_ids, max("at") AS "at",
        max(accounts - opened) AS failed
    FROM near
    WHERE outcome = 'success' AND accounts - opened >= $min_accounts
        AND accounts - opened >= $min_share * accounts
    GROUP BY key
)
SELECT key AS identifier_key, account_ids, len(account_ids) AS account_count, "at",
    'logins to as many as ' || failed || ' accounts failed from one '
        || replace(split_part(key, ':', 1), '_', ' ') || ' while it opened ' || len(account_ids)
        AS detail
FROM broken;
