-- Accounts that share a device, card, e-mail or phone take the same promotion.
--
-- Events of the type `promotion` name it in `target_id`. Values on more than $max_accounts such accounts are
-- public places.
--
-- Access: read
-- Parameters:
--   $kinds         list    kinds of identifiers that link accounts
--   $window_ms     int     time within which
--   $min_accounts  int     fewest accounts
--   $max_accounts  int     above this it is crowded
-- Returns: identifier_key, account_ids, account_count, at, detail
-- Severity: medium
-- Points: 20
-- Subject: identifier
-- Picture: identifier
-- Defaults: {"kinds": ["device", "payment_instrument", "email", "phone"], "window_ms": 604800000, "min_accounts": 3, "max_accounts": 50}
WITH used AS (
    SELECT DISTINCT account_id, unnest(identifier_keys) AS key FROM event
),
taken AS (
    SELECT account_id, target_id, min("at") AS "at"
    FROM event
    WHERE type = 'promotion' AND target_id IS NOT NULL AND outcome IS DISTINCT FROM 'failure'
    GROUP BY account_id, target_id
),
near AS (
    SELECT key, target_id, "at",
        list(account_id) OVER (
            PARTITION BY key, target_id ORDER BY "at"
            RANGE BETWEEN $window_ms PRECEDING AND CURRENT ROW
        ) AS account_ids
    FROM taken JOIN used USING (account_id)
    WHERE list_contains($kinds, split_part(key, ':', 1))
)
SELECT key AS identifier_key, account_ids, len(account_ids) AS account_count, "at",
    len(account_ids) || ' accounts on one ' || replace(split_part(key, ':', 1), '_', ' ')
        || ' took promotion ' || target_id AS detail
FROM near
WHERE len(account_ids) BETWEEN $min_accounts AND $max_accounts
QUALIFY row_number() OVER (PARTITION BY key ORDER BY len(account_ids) DESC, "at" DESC, target_id) = 1;
