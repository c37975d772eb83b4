// The notes a run has dealt with.
//
// Access: write
// Parameters:
//   $rows  list  {id}
// Returns: nothing
// Browser: :params {rows: []}
UNWIND $rows AS row
MATCH (touched:Touched {id: row.id})
DELETE touched;
