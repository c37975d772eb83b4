// Anomaly scores and what drove them.
//
// Access: write
// Parameters:
//   $rows  list  {id, score, reasons}
// Returns: nothing
// Browser: :params {rows: []}
UNWIND $rows AS row
MATCH (account:Account {id: row.id})
SET account.anomaly_score = row.score, account.anomaly_reasons = row.reasons;
