// What the rules found about some accounts so far.
//
// Access: read
// Parameters:
//   $account_ids  list  accounts
// Returns: id, digest, account_ids, rule, identifier_key, account_count, at, detail
// Browser: :params {account_ids: []}
UNWIND $account_ids AS account_id
MATCH (account:Account {id: account_id})-[:FLAGGED_BY]->(finding:Finding)
RETURN finding.id AS id, finding.digest AS digest, collect(account.id) AS account_ids,
       finding.rule AS rule, finding.identifier_key AS identifier_key,
       finding.account_count AS account_count, finding.at AS at, finding.detail AS detail;
