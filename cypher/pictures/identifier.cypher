// A hit about an identifier: who uses it.
//
// Access: read
// Parameters:
//   $identifier_key  string  what the hit is about
// Returns: picture
// Browser: :params {identifier_key: "device:1"}
MATCH picture = (:Account)-[:USED]->(:Identifier {key: $identifier_key})
RETURN picture
LIMIT 300;
