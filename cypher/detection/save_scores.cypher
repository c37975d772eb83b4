// Scores of accounts, what drove them, and what the other detector would say.
//
// Access: write
// Parameters:
//   $rows  list  [id, score, reasons, the other detector's score, whether the challenger is live];
//                null for what an account has none of
// Returns: nothing
// Browser: :params {rows: []}
UNWIND $rows AS row
MATCH (account:Account {id: row[0]})
SET account.anomaly_score = row[1], account.anomaly_reasons = row[2],
    account.shadow_score = row[3], account.in_experiment = row[4];
