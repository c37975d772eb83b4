-- One account has most of what it pays refunded, again and again.
--
-- Events of the type `refund` give back to the account that they are of.
--
-- Access: read
-- Parameters:
--   $window_ms    int     time within which
--   $min_refunds  int     fewest refunds
--   $min_share    float   share of the amount paid that came back
-- Returns: identifier_key, account_ids, account_count, at, detail
-- Severity: medium
-- Points: 0
-- Subject: accounts
-- Picture: account
-- Defaults: {"window_ms": 2592000000, "min_refunds": 3, "min_share": 0.8}
WITH moved AS (
    SELECT account_id, "at", currency, type = 'refund' AS is_refund,
        amount_micros AS amount
    FROM event
    WHERE type IN ('payment', 'purchase', 'subscription', 'refund') AND amount_micros > 0
        AND outcome IS DISTINCT FROM 'failure'
),
near AS (
    SELECT account_id, "at",
        count(*) FILTER (is_refund) OVER recent AS refunds,
        coalesce(sum(amount) FILTER (is_refund) OVER recent, 0) AS refunded,
        coalesce(sum(amount) FILTER (NOT is_refund) OVER recent, 0) AS paid
    FROM moved
    WINDOW recent AS (
        PARTITION BY account_id, currency ORDER BY "at"
        RANGE BETWEEN $window_ms PRECEDING AND CURRENT ROW
    )
)
SELECT '' AS identifier_key, [account_id] AS account_ids, 1 AS account_count, "at",
    account_id || ' had ' || refunds || ' payments refunded within ' || $window_ms // 86400000
        || ' days, ' || round(100 * least(1, refunded / paid))::BIGINT || ' % of what it paid' AS detail
FROM near
WHERE refunds >= $min_refunds AND paid > 0 AND refunded >= $min_share * paid
QUALIFY row_number() OVER (PARTITION BY account_id ORDER BY "at" DESC, detail) = 1;
