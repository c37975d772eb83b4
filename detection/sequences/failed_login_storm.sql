-- Many logins to one account fail within minutes.
--
-- Somebody guesses a password, or has forgotten it.
--
-- Access: read
-- Parameters:
--   $window_ms     int     time within which
--   $min_failures  int     fewest failures
-- Returns: identifier_key, account_ids, account_count, at, detail
-- Severity: low
-- Points: 0
-- Subject: accounts
-- Picture: account
-- Defaults: {"window_ms": 600000, "min_failures": 10}
WITH failed AS (
    SELECT account_id, "at",
        count(*) OVER (
            PARTITION BY account_id ORDER BY "at"
            RANGE BETWEEN $window_ms PRECEDING AND CURRENT ROW
        ) AS failures
    FROM event
    WHERE type = 'login' AND outcome = 'failure'
)
SELECT '' AS identifier_key, [account_id] AS account_ids, 1 AS account_count, "at",
    failures || ' logins to ' || account_id || ' failed within ' || $window_ms // 60000
        || ' minutes' AS detail
FROM failed
WHERE failures >= $min_failures
QUALIFY row_number() OVER (PARTITION BY account_id ORDER BY "at" DESC, detail) = 1;
