// Reasons of rings, open or closed, in order of ring, some rings at a time.
//
// Access: read
// Parameters:
//   $after  string  last ring of the page before
//   $limit  int     most rings
// Returns: ring_id, reasons
// Browser: :params {after: "", limit: 25}
MATCH (ring:Ring)
WHERE ring.id > $after
WITH ring ORDER BY ring.id LIMIT $limit
RETURN ring.id AS ring_id,
       [(ring)-[:HAS_REASON]->(reason:Reason) | reason {.position, .text, .evidence}] AS reasons
ORDER BY ring_id;
