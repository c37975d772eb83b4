-- An account was silent for months, then acts many times within a day.
--
-- Sold and taken-over accounts look like this; so does somebody who comes back from a long journey.
-- It does not find who tries one login first and waits a few days.
--
-- Access: read
-- Parameters:
--   $silent_ms   int     fewest milliseconds without an event
--   $window_ms   int     time after the silence
--   $min_events  int     fewest events in that time
-- Returns: identifier_key, account_ids, account_count, at, detail
-- Severity: medium
-- Points: 0
-- Subject: accounts
-- Picture: account
-- Defaults: {"silent_ms": 7776000000, "window_ms": 86400000, "min_events": 5}
WITH step AS (
    SELECT account_id, "at",
        "at" - lag("at") OVER (PARTITION BY account_id ORDER BY "at") AS silent_ms,
        count(*) OVER (
            PARTITION BY account_id ORDER BY "at"
            RANGE BETWEEN CURRENT ROW AND $window_ms FOLLOWING
        ) AS events
    FROM event
)
SELECT '' AS identifier_key, [account_id] AS account_ids, 1 AS account_count, "at",
    account_id || ' was silent for ' || silent_ms // 86400000 || ' days, then acted ' || events
        || ' times within ' || $window_ms // 3600000 || ' hours' AS detail
FROM step
WHERE silent_ms >= $silent_ms AND events >= $min_events
QUALIFY row_number() OVER (PARTITION BY account_id ORDER BY "at" DESC, detail) = 1;
