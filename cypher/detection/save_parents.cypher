// Rings that came out of a split.
//
// Access: write
// Parameters:
//   $rows  list  {ring_id, parent_id}
// Returns: nothing
// Browser: :params {rows: []}
UNWIND $rows AS row
MATCH (ring:Ring {id: row.ring_id})
MATCH (parent:Ring {id: row.parent_id})
MERGE (ring)-[:SPLIT_FROM]->(parent);
