// The value of one identifier, sealed or in clear.
//
// Access: read
// Parameters:
//   $key  string  identifier key
// Returns: value, sealed
// Browser: :params {key: "device:1"}
MATCH (identifier:Identifier {key: $key})
RETURN identifier.value AS value, identifier.sealed AS sealed;
