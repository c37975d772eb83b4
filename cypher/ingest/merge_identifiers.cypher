// Identifiers that may be new, with a second label for people who write Cypher; how many are.
//
// Merged by key alone: a MERGE or MATCH by a dynamic label would scan all nodes. One without a kind
// was made just now.
//
// Access: write
// Parameters:
//   $rows  list  [key, kind, label, value or null, sealed value or null], sorted by key
// Returns: kind, new
// Browser: :params {rows: []}
UNWIND $rows AS row
MERGE (identifier:Identifier {key: row[0]})
WITH identifier, row, identifier.kind IS NULL AS is_new
FOREACH (_ IN CASE WHEN is_new THEN [1] ELSE [] END |
  SET identifier.kind = row[1], identifier.value = row[3], identifier.sealed = row[4],
      identifier:$(row[2])
)
WITH row[1] AS kind, count(CASE WHEN is_new THEN 1 END) AS new
WHERE new > 0
RETURN kind, new;
