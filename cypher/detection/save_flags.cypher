// Which accounts the hits of the rules are about.
//
// Access: write
// Parameters:
//   $rows  list  [finding id, account id]
// Returns: nothing
// Browser: :params {rows: []}
UNWIND $rows AS row
MATCH (finding:Finding {id: row[0]})
MATCH (account:Account {id: row[1]})
MERGE (account)-[:FLAGGED_BY]->(finding);
