// When accounts are to be looked at again although nothing happens; null for never.
//
// Access: write
// Parameters:
//   $rows  list  [id, due_at], due_at in milliseconds since 1970
// Returns: nothing
// Browser: :params {rows: []}
UNWIND $rows AS row
MATCH (account:Account {id: row[0]})
SET account.due_at = row[1];
