-- One account acts from several countries within a short time.
--
-- A traveller changes planes in two; who hides behind rented addresses is in many. So are people who live where
-- three countries meet.
--
-- Access: read
-- Parameters:
--   $window_ms      int     time within which
--   $min_countries  int     fewest countries
-- Returns: identifier_key, account_ids, account_count, at, detail
-- Severity: medium
-- Points: 0
-- Subject: accounts
-- Picture: account
-- Defaults: {"window_ms": 86400000, "min_countries": 3}
WITH seen AS (
    SELECT account_id, country, "at" FROM event WHERE country IS NOT NULL
),
near AS (
    SELECT account_id, "at",
        count(DISTINCT country) OVER (
            PARTITION BY account_id ORDER BY "at"
            RANGE BETWEEN $window_ms PRECEDING AND CURRENT ROW
        ) AS countries
    FROM seen
    WHERE account_id IN (
        SELECT account_id FROM seen GROUP BY account_id
        HAVING count(DISTINCT country) >= $min_countries
    )
),
latest AS (
    SELECT account_id, max("at") AS "at" FROM near
    WHERE countries >= $min_countries GROUP BY account_id
)
-- joined back: lists in a window would grow with the square of an account's events
SELECT '' AS identifier_key, [account_id] AS account_ids, 1 AS account_count, latest."at",
    account_id || ' acted from ' || string_agg(DISTINCT country, ', ' ORDER BY country)
        || ' within ' || $window_ms // 3600000 || ' hours' AS detail
FROM latest JOIN seen USING (account_id)
WHERE seen."at" BETWEEN latest."at" - $window_ms AND latest."at"
GROUP BY account_id, latest."at";
