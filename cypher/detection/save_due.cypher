// When accounts are to be looked at again although nothing happens, and what they hang together with.
//
// Null for who is linked to nobody, or by dispositions only. A component is named by the first of its accounts.
//
// Access: write
// Parameters:
//   $rows  list  [id, due_at, component], due_at in milliseconds since 1970
// Returns: nothing
// Browser: :params {rows: []}
UNWIND $rows AS row
MATCH (account:Account {id: row[0]})
SET account.due_at = row[1], account.component = row[2];
