// A hit about single accounts: what each uses, and who else does.
//
// Access: read
// Parameters:
//   $account_ids  list  whom the hit is about
// Returns: picture
// Browser: :params {account_ids: ["1"]}
MATCH picture = (account:Account)-[:USED]->(identifier:Identifier)
WHERE account.id IN $account_ids
RETURN picture
LIMIT 300
UNION ALL
MATCH (account:Account)-[:USED]->(identifier:Identifier)
WHERE account.id IN $account_ids AND COUNT { (identifier)<-[:USED]-() } <= 50
MATCH picture = (identifier)<-[:USED]-(:Account)
RETURN picture
LIMIT 300;
