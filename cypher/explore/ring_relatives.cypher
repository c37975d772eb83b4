// Rings next to some rings in their lineage: who came out of whom, and who took whom over.
//
// Access: read
// Parameters:
//   $rows   list  {relation: parents, children, absorbed or merged_into, ring_id}
//   $limit  int   most relatives
// Returns: relation, via, ring_id, status, size, risk_score, risk_level, first_seen, last_seen, born_at, closed_at, merged_into
// Browser: :params {rows: [], limit: 25}
UNWIND $rows AS row
MATCH (ring:Ring {id: row.ring_id})-[link:SPLIT_FROM|MERGED_INTO]-(other:Ring)
WHERE row.relation = CASE
  WHEN type(link) = 'SPLIT_FROM' AND startNode(link) = ring THEN 'parents'
  WHEN type(link) = 'SPLIT_FROM' THEN 'children'
  WHEN startNode(link) = ring THEN 'merged_into'
  ELSE 'absorbed' END
WITH row.relation AS relation, ring.id AS via, other
ORDER BY relation, other.id, via
LIMIT $limit
RETURN relation, via, other.id AS ring_id, other.status AS status, other.size AS size,
       other.risk_score AS risk_score, other.risk_level AS risk_level,
       other.first_seen AS first_seen, other.last_seen AS last_seen,
       other.born_at AS born_at, other.closed_at AS closed_at,
       head([(other)-[:MERGED_INTO]->(heir:Ring) | heir.id]) AS merged_into
ORDER BY relation, ring_id, via;
