// Rings of a run as they stand now.
//
// Access: write
// Parameters:
//   $rows  list  {ring_id, risk_score, risk_level, size, first_seen, last_seen, detector_version, innocent_reading, fewest_links, digest}
//   $now   int   time of the run
// Returns: nothing
// Browser: :params {rows: [], now: 0}
UNWIND $rows AS row
MERGE (ring:Ring {id: row.ring_id})
ON CREATE SET ring.born_at = $now
SET ring.status = 'open', ring.risk_score = row.risk_score, ring.risk_level = row.risk_level,
    ring.size = row.size, ring.first_seen = row.first_seen, ring.last_seen = row.last_seen,
    ring.detector_version = row.detector_version, ring.innocent_reading = row.innocent_reading,
    ring.fewest_links = row.fewest_links, ring.digest = row.digest
WITH ring
OPTIONAL MATCH (ring)-[:HAS_REASON]->(reason:Reason)
DETACH DELETE reason
WITH DISTINCT ring
OPTIONAL MATCH (ring)-[held:HELD_BY]->()
DELETE held;
