// Whether the identifiers of each kind are tokens, by the first of each kind.
//
// Access: read
// Parameters:
//   $kinds  list  identifier kinds
// Returns: kind, is_token
// Browser: :params {kinds: ["device", "email"]}
UNWIND $kinds AS kind
CALL (kind) {
  MATCH (identifier:Identifier)
  WHERE identifier.key STARTS WITH kind + ':'
  RETURN identifier.value IS NULL AS is_token
  LIMIT 1
}
RETURN kind, is_token
ORDER BY kind;
