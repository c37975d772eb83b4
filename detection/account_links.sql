-- Who uses what some others use, too.
--
-- It goes on where shared_uses.sql ends, and takes its parameters.
--
-- Returns: account_id, key
kept AS (
    SELECT account_id, key FROM used JOIN shared USING (key)
    WHERE last_at >= $live AND account_id NOT IN (SELECT unnest($nobody))
)
SELECT account_id, key FROM kept ORDER BY account_id, key;
