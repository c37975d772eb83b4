// What the rules find no more about some accounts; a finding nobody is left in goes.
//
// Access: write
// Parameters:
//   $rows  list  [finding id, account id]
// Returns: nothing
// Browser: :params {rows: []}
UNWIND $rows AS row
MATCH (:Account {id: row[1]})-[flagged:FLAGGED_BY]->(finding:Finding {id: row[0]})
DELETE flagged
WITH DISTINCT finding
WHERE NOT EXISTS { (finding)<-[:FLAGGED_BY]-() }
DELETE finding;
