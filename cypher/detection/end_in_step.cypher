// Pairs of accounts that act in step no more, or did not begin together after all.
//
// Access: write
// Parameters:
//   $rows  list  [COACTED or BEGAN_WITH, source, target, …]
// Returns: nothing
// Browser: :params {rows: []}
UNWIND $rows AS row
MATCH (:Account {id: row[1]})-[tie:$(row[0])]->(:Account {id: row[2]})
DELETE tie;
