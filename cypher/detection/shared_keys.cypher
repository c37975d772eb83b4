// Keys of what some accounts share with anybody, of some kinds.
//
// Access: read
// Parameters:
//   $account_ids  list  accounts
//   $kinds        list  kinds of identifiers
// Returns: key
// Browser: :params {account_ids: [], kinds: ["device"]}
UNWIND $account_ids AS account_id
MATCH (:Account {id: account_id})-[:USED]->(identifier:Identifier)
WITH DISTINCT identifier
WHERE COUNT { (identifier)<-[:USED]-() } >= 2
WITH identifier
WHERE identifier.kind IN $kinds
RETURN identifier.key AS key;
