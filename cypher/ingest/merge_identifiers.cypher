// Identifiers of a batch, each with a second label for people who write Cypher.
//
// Merged by key alone: a MERGE or MATCH by a dynamic label would scan all nodes.
//
// Access: write
// Parameters:
//   $rows  list  {key, kind, label, value}, sorted by key
// Returns: nothing
// Browser: :params {rows: []}
UNWIND $rows AS row
MERGE (identifier:Identifier {key: row.key})
ON CREATE SET identifier.kind = row.kind, identifier.value = row.value, identifier:$(row.label);
