// The accounts that use any of some identifiers.
//
// Access: read
// Parameters:
//   $keys  list  identifier keys
// Returns: id
// Browser: :params {keys: []}
UNWIND $keys AS key
MATCH (:Identifier {key: key})<-[:USED]-(account:Account)
RETURN DISTINCT account.id AS id
ORDER BY id;
