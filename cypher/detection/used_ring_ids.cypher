// Rings, open or closed, that any of these accounts was ever a member of: their ids are taken.
//
// Access: read
// Parameters:
//   $account_ids  list  accounts
// Returns: ring_id
// Browser: :params {account_ids: ["1"]}
UNWIND $account_ids AS account_id
MATCH (:Account {id: account_id})-[:MEMBER_OF]->(ring:Ring)
RETURN DISTINCT ring.id AS ring_id
ORDER BY ring_id;
