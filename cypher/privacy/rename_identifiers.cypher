// New keys and seals of identifiers; one that has its new key already is passed over.
//
// Access: write
// Parameters:
//   $rows  list  [old key, new key, new seal]
// Returns: nothing
// Browser: :params {rows: []}
UNWIND $rows AS row
MATCH (identifier:Identifier {key: row[0]})
SET identifier.key = row[1], identifier.sealed = row[2];
