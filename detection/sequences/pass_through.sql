-- An account passes on nearly all that it receives, within a day, again and again.
--
-- Only money that went through counts, and each currency alone. Who pays the rent on pay-day and saves the
-- rest looks the same.
--
-- Access: read
-- Parameters:
--   $window_ms  int     time within which
--   $min_share  float   share of what came in that goes out
--   $max_share  float   the same, at most: it may have had a little
--   $min_days   int     fewest days on which it does
-- Returns: identifier_key, account_ids, account_count, at, detail
-- Severity: medium
-- Points: 0
-- Subject: accounts
-- Picture: money
-- Defaults: {"window_ms": 86400000, "min_share": 0.8, "max_share": 1.05, "min_days": 3}
WITH paid AS (
    SELECT account_id AS payer, counterparty_account_id AS payee, "at", currency,
        amount_micros AS amount
    FROM event
    WHERE counterparty_account_id <> account_id AND amount_micros > 0
        AND type NOT IN ('referral', 'refund') AND outcome IS DISTINCT FROM 'failure'
),
moved AS (
    SELECT payee AS account_id, currency, "at", amount AS received, 0 AS sent FROM paid
    UNION ALL
    SELECT payer, currency, "at", 0, amount FROM paid
),
near AS (
    SELECT account_id, currency, "at", sent > 0 AS is_sent,
        sum(received) OVER recent AS received, sum(sent) OVER recent AS sent
    FROM moved
    WINDOW recent AS (
        PARTITION BY account_id, currency ORDER BY "at"
        RANGE BETWEEN $window_ms - 1 PRECEDING AND CURRENT ROW
    )
),
passed AS (
    SELECT account_id, count(DISTINCT "at" // 86400000) AS days, max("at") AS "at"
    FROM near
    WHERE is_sent AND sent BETWEEN $min_share * received AND $max_share * received
    GROUP BY account_id
)
SELECT '' AS identifier_key, [account_id] AS account_ids, 1 AS account_count, "at",
    account_id || ' passed on what it received within ' || $window_ms // 3600000 || ' hours, on '
        || days || ' days' AS detail
FROM passed
WHERE days >= $min_days;
