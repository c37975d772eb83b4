// Rings that no longer hold: lapsed or taken over, never deleted.
//
// Access: write
// Parameters:
//   $rows  list  {ring_id, status, merged_into}
//   $now   int   time of the run
// Returns: nothing
// Browser: :params {rows: [], now: 0}
UNWIND $rows AS row
MATCH (ring:Ring {id: row.ring_id})
SET ring.status = row.status, ring.closed_at = $now
WITH ring, row
CALL (ring) {
  MATCH (ring)<-[member:MEMBER_OF]-()
  WHERE member.until IS NULL
  SET member.until = $now
}
WITH ring, row
WHERE row.merged_into IS NOT NULL
MATCH (heir:Ring {id: row.merged_into})
MERGE (ring)-[:MERGED_INTO]->(heir);
