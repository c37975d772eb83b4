// Open rings that were not drawn for calibration yet, whatever was said of them.
//
// Access: read
// Returns: ring_id
MATCH (ring:Ring {status: 'open'})
WHERE ring.risk_score >= 0 AND ring.drawn_at IS NULL
RETURN ring.id AS ring_id
ORDER BY ring_id;
