// Open rings by risk level.
//
// Access: read
// Returns: risk_level, count
MATCH (ring:Ring {status: 'open'})
RETURN ring.risk_level AS risk_level, count(*) AS count
ORDER BY risk_level;
