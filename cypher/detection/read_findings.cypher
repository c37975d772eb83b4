// What the rules found about some accounts so far.
//
// Access: read
// Parameters:
//   $account_ids  list  accounts
// Returns: id, digest, account_ids
// Browser: :params {account_ids: []}
UNWIND $account_ids AS account_id
MATCH (account:Account {id: account_id})-[:FLAGGED_BY]->(finding:Finding)
RETURN finding.id AS id, finding.digest AS digest, collect(account.id) AS account_ids;
