-- Many accounts pay one within a day.
--
-- Accounts with more than $max_payers payers are merchants, firms or exchanges and are passed
-- over; smaller ones are not.
--
-- Access: read
-- Parameters:
--   $window_ms   int     time within which
--   $min_payers  int     fewest payers within it
--   $max_payers  int     most payers in all
-- Returns: identifier_key, account_ids, account_count, at, detail
-- Severity: medium
-- Points: 0
-- Subject: accounts
-- Picture: money
-- Defaults: {"window_ms": 86400000, "min_payers": 10, "max_payers": 100}
WITH paid AS (
    SELECT counterparty_account_id AS account_id, account_id AS other, "at"
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
        HAVING count(DISTINCT other) BETWEEN $min_payers AND $max_payers
    )
)
SELECT '' AS identifier_key, [account_id] AS account_ids, 1 AS account_count, "at",
    account_id || ' was paid by ' || others || ' accounts within ' || $window_ms // 3600000
        || ' hours' AS detail
FROM near
WHERE others >= $min_payers
QUALIFY row_number() OVER (PARTITION BY account_id ORDER BY "at" DESC, detail) = 1;
