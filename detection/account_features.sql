-- What each account did, as plain numbers of which a high one is suspicious.
--
-- An account is one that did something or that money or a referral went to. Money is counted in
-- typical amounts of its currency. A refund and a chargeback are what is to be foreseen: neither
-- is looked at.
--
-- It goes on where shared_uses.sql ends, and takes its parameters too.
--
-- Parameters:
--   $recent  int   from when on something is recent, milliseconds since 1970
-- Returns: account_id and a column a feature, sorted by account_id
account AS (
    SELECT account_id FROM event
    UNION
    SELECT counterparty_account_id FROM event WHERE counterparty_account_id IS NOT NULL
),
held AS (
    SELECT account_id,
        count(*) FILTER (kind = 'payment_instrument') AS payment_instruments,
        count(*) FILTER (kind = 'payment_instrument' AND first_at >= $recent)
            AS new_payment_instruments,
        count(*) FILTER (kind = 'device') AS devices,
        count(*) FILTER (kind = 'device' AND first_at >= $recent) AS new_devices,
        max(accounts) FILTER (kind <> 'ip') AS widest_sharing,
        max(accounts) FILTER (kind = 'ip') AS widest_address
    FROM used LEFT JOIN shared USING (key)
    GROUP BY account_id
),
paid AS (
    SELECT account_id, currency, amount_micros, "at" FROM event
    WHERE amount_micros > 0 AND type NOT IN ('refund', 'chargeback')
        AND outcome IS DISTINCT FROM 'failure'
),
typical AS (
    SELECT currency, median(amount_micros) AS micros FROM paid GROUP BY currency
),
-- whole numbers have the same sum in any order
sums AS (
    SELECT account_id, currency, sum(amount_micros) AS micros,
        sum(amount_micros) FILTER ("at" >= $recent) AS recent_micros
    FROM paid GROUP BY account_id, currency
),
spent AS (
    SELECT account_id,
        sum(sums.micros / typical.micros ORDER BY sums.currency) AS spent,
        sum(recent_micros / typical.micros ORDER BY sums.currency) AS spent_recently
    FROM sums JOIN typical ON sums.currency IS NOT DISTINCT FROM typical.currency
    GROUP BY account_id
),
active AS (
    SELECT account_id, count(*) FILTER ("at" >= $recent AND type NOT IN ('refund', 'chargeback'))
        AS recent_events
    FROM event GROUP BY account_id
),
begun AS (
    SELECT account_id, min("at") AS signed_up_at FROM event WHERE type = 'signup'
    GROUP BY account_id
),
hasty AS (
    SELECT account_id, 3600000 / (60000 + min("at") - any_value(signed_up_at)) AS haste
    FROM paid JOIN begun USING (account_id)
    WHERE "at" >= signed_up_at
    GROUP BY account_id
)
SELECT account_id, spent, spent_recently, payment_instruments, new_payment_instruments, devices,
    new_devices, recent_events, widest_sharing, widest_address, haste
FROM account
LEFT JOIN held USING (account_id)
LEFT JOIN spent USING (account_id)
LEFT JOIN active USING (account_id)
LEFT JOIN hasty USING (account_id)
ORDER BY account_id;
