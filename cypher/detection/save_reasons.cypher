// The reasons of the rings' scores.
//
// Access: write
// Parameters:
//   $rows  list  {ring_id, code, text, points, evidence, position}
// Returns: nothing
// Browser: :params {rows: []}
UNWIND $rows AS row
MATCH (ring:Ring {id: row.ring_id})
CREATE (ring)-[:HAS_REASON]->(:Reason {
  code: row.code, text: row.text, points: row.points, evidence: row.evidence,
  position: row.position
});
