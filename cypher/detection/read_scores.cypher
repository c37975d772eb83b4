// The scores that accounts have, and what drove them.
//
// Access: read
// Parameters:
//   $account_ids  list  accounts to describe
// Returns: id, anomaly_score, anomaly_reasons, shadow_score
// Browser: :params {account_ids: []}
UNWIND $account_ids AS account_id
MATCH (account:Account {id: account_id})
RETURN account.id AS id, account.anomaly_score AS anomaly_score,
       account.anomaly_reasons AS anomaly_reasons, account.shadow_score AS shadow_score;
