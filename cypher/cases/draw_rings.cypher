// Rings drawn for calibration, and what was said of each last.
//
// Access: write
// Parameters:
//   $ring_ids  list  rings
//   $now       int   clock, milliseconds since 1970
// Returns: ring_id, risk_score, size, disposition
// Browser: :params {ring_ids: [], now: 0}
UNWIND $ring_ids AS ring_id
MATCH (ring:Ring {id: ring_id})
SET ring.drawn_at = $now
WITH ring
OPTIONAL MATCH (ring)<-[:ABOUT]-(said:Disposition {at: ring.disposed_at})
RETURN ring.id AS ring_id, ring.risk_score AS risk_score, ring.size AS size,
       said.disposition AS disposition
ORDER BY ring_id;
