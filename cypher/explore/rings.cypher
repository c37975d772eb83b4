// Rings by risk, a page at a time.
//
// Access: read
// Parameters:
//   $statuses     list    ring statuses to show
//   $levels       list    risk levels to show
//   $min_size     int     fewest members
//   $since        int     last seen at or after, milliseconds
//   $after_score  int     score of the last ring of the page before
//   $after_id     string  its id
//   $limit        int     most rings
// Returns: ring_id, status, risk_score, risk_level, first_seen, last_seen, account_ids, identifiers, reasons, innocent_reading, fewest_links, parents
// Browser: :params {statuses: ["open"], levels: ["high", "critical"], min_size: 0, since: 0, after_score: 101, after_id: "", limit: 25}
MATCH (ring:Ring)
WHERE ring.status IN $statuses AND ring.risk_level IN $levels AND ring.size >= $min_size
  AND ring.last_seen >= $since
  AND (ring.risk_score < $after_score OR (ring.risk_score = $after_score AND ring.id > $after_id))
WITH ring
ORDER BY ring.risk_score DESC, ring.id
LIMIT $limit
RETURN ring.id AS ring_id, ring.status AS status, ring.risk_score AS risk_score,
       ring.risk_level AS risk_level, ring.first_seen AS first_seen, ring.last_seen AS last_seen,
       [(ring)<-[member:MEMBER_OF]-(account:Account)
        WHERE member.until IS NULL OR member.until = ring.closed_at | account.id] AS account_ids,
       [(ring)-[held:HELD_BY]->(identifier:Identifier) |
        [identifier.kind, identifier.key, held.account_count]] AS identifiers,
       [(ring)-[:HAS_REASON]->(reason:Reason) | reason {.*}] AS reasons,
       ring.innocent_reading AS innocent_reading, ring.fewest_links AS fewest_links,
       [(ring)-[:SPLIT_FROM]->(parent:Ring) | parent.id] AS parents
ORDER BY risk_score DESC, ring_id;
