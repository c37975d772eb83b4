// The scores that all accounts have, and what drove them.
//
// Access: read
// Returns: id, anomaly_score, anomaly_reasons, shadow_score
MATCH (account:Account)
RETURN account.id AS id, account.anomaly_score AS anomaly_score,
       account.anomaly_reasons AS anomaly_reasons, account.shadow_score AS shadow_score;
