// Identifiers for a picture, with how many accounts they are on.
//
// There is no value where the key is a token.
//
// Access: read
// Parameters:
//   $keys  list  identifier keys
// Returns: key, kind, value, degree
// Browser: :params {keys: ["device:1"]}
UNWIND $keys AS key
MATCH (identifier:Identifier {key: key})
RETURN identifier.key AS key, identifier.kind AS kind, identifier.value AS value,
       COUNT { (identifier)<-[:USED]-() } AS degree;
