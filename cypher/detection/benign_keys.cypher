// Identifiers that somebody found to be innocent: they link nobody and are no reason.
//
// Access: read
// Returns: key
MATCH (identifier:Identifier)
WHERE identifier.benign_at IS NOT NULL
RETURN identifier.key AS key
ORDER BY key;
