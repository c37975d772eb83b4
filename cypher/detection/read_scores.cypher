// The scores that all accounts have, what drove them, and which component each account is in.
//
// Access: read
// Returns: id, component, anomaly_score, anomaly_reasons, shadow_score, in_experiment
MATCH (account:Account)
RETURN account.id AS id, account.component AS component, account.anomaly_score AS anomaly_score,
       account.anomaly_reasons AS anomaly_reasons, account.shadow_score AS shadow_score,
       account.in_experiment AS in_experiment;
