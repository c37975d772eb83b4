// Pairs of accounts that act in step no more.
//
// Access: write
// Parameters:
//   $rows  list  [source, target, …]
// Returns: nothing
// Browser: :params {rows: []}
UNWIND $rows AS row
MATCH (:Account {id: row[0]})-[tie:COACTED]->(:Account {id: row[1]})
DELETE tie;
