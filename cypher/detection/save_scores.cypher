// Scores of accounts and what drove them.
//
// Access: write
// Parameters:
//   $rows  list  [id, score, reasons]
// Returns: nothing
// Browser: :params {rows: []}
UNWIND $rows AS row
MATCH (account:Account {id: row[0]})
SET account.anomaly_score = row[1], account.anomaly_reasons = row[2];
