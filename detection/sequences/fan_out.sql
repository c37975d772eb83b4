-- One account pays many within a day.
--
-- Accounts with more than $max_payees payees are merchants, firms or exchanges and are passed
-- over; smaller ones are not.
--
-- Access: read
-- Parameters:
--   $window_ms   int     time within which
--   $min_payees  int     fewest payees within it
--   $max_payees  int     most payees in all
-- Returns: identifier_key, account_ids, account_count, at, detail
-- Severity: medium
-- Points: 0
-- Subject: accounts
-- Picture: money
-- Defaults: {"window_ms": 86400000, "min_payees": 10, "max_payees": 100}
WITH paid AS (
    SELECT account_id AS account_id, counterparty_account_id AS other, "at"
    FROM event
    WHERE counterparty_account_id <> account_id AND type NOT IN ('referral', 'refund')
        AND outcome IS DISTINCT FROM 'failure'
),
near AS (
    SELECT account_id, "at",
        count(DISTINCT other) OVER (
            PARTITION BY account_id ORDER BY "at"
            RANGE BETWEEN $window_ms PRECEDING AND CURRENT ROW
        ) AS others
    FROM paid
    WHERE account_id IN (
        SELECT account_id FROM paid GROUP BY account_id
        HAVING count(DISTINCT other) BETWEEN $min_payees AND $max_payees
    )
)
SELECT '' AS identifier_key, [account_id] AS account_ids, 1 AS account_count, "at",
    account_id || ' paid ' || others || ' accounts within ' || $window_ms // 3600000
        || ' hours' AS detail
FROM near
WHERE others >= $min_payees
QUALIFY row_number() OVER (PARTITION BY account_id ORDER BY "at" DESC, detail) = 1;
