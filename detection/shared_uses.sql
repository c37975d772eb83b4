-- Who used what, and which of it is shared by some accounts and no hub.
--
-- The beginning of a statement; what goes on with `used` and `shared` is in other files.
--
-- Parameters:
--   $live    int   uses that ended earlier have expired: they are shared with nobody
--   $denied  list  identifiers that say nothing
--   $nobody  list  accounts that are passed over where something is shared
--   $kinds   list  kinds of identifiers
--   $caps    list  for each kind the most accounts before a value is a hub
WITH used AS (
    SELECT account_id, key, split_part(key, ':', 1) AS kind, min("at") AS first_at, max("at") AS last_at
    FROM (SELECT account_id, unnest(identifier_keys) AS key, "at" FROM event)
    GROUP BY account_id, key
),
shared AS (
    SELECT key, count(*) AS accounts FROM used
    WHERE last_at >= $live AND key NOT IN (SELECT unnest($denied))
        AND account_id NOT IN (SELECT unnest($nobody))
    GROUP BY key
    HAVING count(*) BETWEEN 2 AND $caps[list_position($kinds, split_part(key, ':', 1))]
),
