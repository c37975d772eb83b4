// Hits of the rules.
//
// Access: write
// Parameters:
//   $rows  list  {id, rule, identifier_key, at, detail, account_count, digest}
// Returns: nothing
// Browser: :params {rows: []}
UNWIND $rows AS row
MERGE (finding:Finding {id: row.id})
SET finding += row;
