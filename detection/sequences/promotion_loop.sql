-- Accounts that share a device, card, e-mail or phone take the same promotion.
--
-- Events of the type `promotion` name it in `target_id`. A value on which more than
-- $max_accounts took it is a public place. A family looks the same.
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
WITH taken AS (
    SELECT account_id, target_id, min("at") AS "at"
    FROM event
    WHERE type = 'promotion' AND target_id IS NOT NULL AND outcome IS DISTINCT FROM 'failure'
    GROUP BY account_id, target_id
),
used AS (
    SELECT DISTINCT account_id, unnest(identifier_keys) AS key FROM event
    WHERE account_id IN (SELECT account_id FROM taken)
),
near AS (
    SELECT key, target_id, account_id, "at",
        count(*) OVER (PARTITION BY key, target_id) AS takers,
        count(*) OVER (
            PARTITION BY key, target_id ORDER BY "at"
            RANGE BETWEEN $window_ms PRECEDING AND CURRENT ROW
        ) AS accounts
    FROM taken JOIN used USING (account_id)
    WHERE list_contains($kinds, split_part(key, ':', 1))
),
best AS (
    SELECT key, target_id, accounts, "at" FROM near
    WHERE accounts >= $min_accounts AND takers <= $max_accounts
    QUALIFY row_number() OVER (PARTITION BY key ORDER BY accounts DESC, "at" DESC, target_id) = 1
)
SELECT key AS identifier_key, list(account_id) AS account_ids, best.accounts AS account_count,
    best."at",
    best.accounts || ' accounts on one ' || replace(split_part(key, ':', 1), '_', ' ')
        || ' took promotion ' || target_id AS detail
FROM best JOIN near USING (key, target_id)
WHERE near."at" BETWEEN best."at" - $window_ms AND best."at"
GROUP BY key, target_id, best."at", best.accounts;
