// Identifiers of one kind that may be new, with a second label for people who write Cypher.
//
// Merged by key alone: a MERGE or MATCH by a dynamic label would scan all nodes.
//
// Access: write
// Parameters:
//   $rows   list    [key, value or null, sealed value or null], sorted by key
//   $kind   string  their kind
//   $label  string  its label
// Returns: nothing
// Browser: :params {rows: [], kind: "device", label: "Device"}
UNWIND $rows AS row
MERGE (identifier:Identifier {key: row[0]})
ON CREATE SET identifier.kind = $kind, identifier.value = row[1], identifier.sealed = row[2],
              identifier:$($label);
