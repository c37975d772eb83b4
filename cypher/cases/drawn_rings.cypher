// Open rings that were drawn for calibration, their scores now, and what was said of each last.
//
// Access: read
// Returns: ring_id, score, disposition, disposed_at
MATCH (ring:Ring {status: 'open'})
WHERE ring.risk_score >= 0 AND ring.drawn_at IS NOT NULL
OPTIONAL MATCH (ring)<-[:ABOUT]-(said:Disposition {at: ring.disposed_at})
RETURN ring.id AS ring_id, ring.risk_score AS score, said.disposition AS disposition,
       ring.disposed_at AS disposed_at
ORDER BY ring_id;
