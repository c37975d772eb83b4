-- One account acts from two places, faster than one can travel between them.
--
-- Distances are great circles (haversine). Places found by IP address are wrong by hundreds of kilometres at
-- times, and a VPN moves them at once: near ones say nothing.
--
-- Access: read
-- Parameters:
--   $min_km   int     fewest kilometres between the two
--   $max_kmh  int     kilometres an hour that an airliner flies
-- Returns: identifier_key, account_ids, account_count, at, detail
-- Severity: medium
-- Points: 0
-- Subject: accounts
-- Picture: account
-- Defaults: {"min_km": 500, "max_kmh": 1000}
WITH step AS (
    SELECT account_id, "at", latitude, longitude,
        lag("at") OVER own AS from_at,
        lag(latitude) OVER own AS from_latitude,
        lag(longitude) OVER own AS from_longitude
    FROM event
    WHERE latitude IS NOT NULL AND longitude IS NOT NULL
    WINDOW own AS (PARTITION BY account_id ORDER BY "at", latitude, longitude)
),
leg AS (
    SELECT account_id, "at", "at" - from_at AS taken_ms,
        2 * 6371 * asin(least(1, sqrt(
            power(sin(radians(latitude - from_latitude) / 2), 2)
            + cos(radians(latitude)) * cos(radians(from_latitude))
            * power(sin(radians(longitude - from_longitude) / 2), 2)
        ))) AS km
    FROM step
    WHERE from_at IS NOT NULL
)
SELECT '' AS identifier_key, [account_id] AS account_ids, 1 AS account_count, "at",
    account_id || ' acted ' || round(km)::BIGINT || ' km apart within '
        || taken_ms // 60000 || ' minutes' AS detail
FROM leg
WHERE km >= $min_km AND km * 3600000 > $max_kmh * taken_ms
QUALIFY row_number() OVER (PARTITION BY account_id ORDER BY "at" DESC, detail) = 1;
