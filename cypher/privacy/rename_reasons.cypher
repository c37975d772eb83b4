// Reasons with the new keys of the identifiers that show them.
//
// Access: write
// Parameters:
//   $rows  list  {ring_id, position, text, evidence}
// Returns: nothing
// Browser: :params {rows: []}
UNWIND $rows AS row
MATCH (:Ring {id: row.ring_id})-[:HAS_REASON]->(reason:Reason {position: row.position})
SET reason.text = row.text, reason.evidence = row.evidence;
