-- One account adds many payment instruments within a day.
--
-- Stolen cards are tested so. Instruments of customers must not be sent as the shop's own.
--
-- Access: read
-- Parameters:
--   $window_ms  int     time within which
--   $min_cards  int     fewest instruments that are new to it
-- Returns: identifier_key, account_ids, account_count, at, detail
-- Severity: high
-- Points: 0
-- Subject: accounts
-- Picture: account
-- Defaults: {"window_ms": 86400000, "min_cards": 5}
WITH used AS (
    SELECT account_id, "at",
        unnest(list_filter(identifier_keys, lambda k: starts_with(k, 'payment_instrument:'))) AS key
    FROM event
),
added AS (
    SELECT account_id, key, min("at") AS "at" FROM used GROUP BY account_id, key
),
near AS (
    SELECT account_id, "at",
        count(*) OVER (
            PARTITION BY account_id ORDER BY "at"
            RANGE BETWEEN $window_ms PRECEDING AND CURRENT ROW
        ) AS cards
    FROM added
)
SELECT '' AS identifier_key, [account_id] AS account_ids, 1 AS account_count, "at",
    account_id || ' added ' || cards || ' payment instruments within ' || $window_ms // 3600000
        || ' hours' AS detail
FROM near
WHERE cards >= $min_cards
QUALIFY row_number() OVER (PARTITION BY account_id ORDER BY "at" DESC, detail) = 1;
