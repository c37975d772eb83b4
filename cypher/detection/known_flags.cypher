// Which of some accounts the graph has flagged already with some findings.
//
// Access: read
// Parameters:
//   $rows  list  [finding id, account id]
// Returns: id, account_id
// Browser: :params {rows: []}
UNWIND $rows AS row
MATCH (account:Account {id: row[1]})-[:FLAGGED_BY]->(finding:Finding {id: row[0]})
RETURN finding.id AS id, account.id AS account_id;
