// Remember which identifiers are hubs.
//
// Access: write
// Parameters:
//   $keys  list  identifier keys
// Returns: nothing
// Browser: :params {keys: []}
UNWIND $keys AS key
MATCH (identifier:Identifier {key: key})
SET identifier.is_hub = true;
