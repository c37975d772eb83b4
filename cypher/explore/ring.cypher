// One ring, and the ring that took it over in the end if it was merged.
//
// Access: read
// Parameters:
//   $ring_id  string  the ring
// Returns: ring_id, status, risk_score, risk_level, first_seen, last_seen, account_ids, identifiers, reasons, innocent_reading, fewest_links, parents, merged_into
// Browser: :params {ring_id: ""}
MATCH (ring:Ring {id: $ring_id})
RETURN ring.id AS ring_id, ring.status AS status, ring.risk_score AS risk_score,
       ring.risk_level AS risk_level, ring.first_seen AS first_seen, ring.last_seen AS last_seen,
       [(ring)<-[member:MEMBER_OF]-(account:Account)
        WHERE member.until IS NULL OR member.until = ring.closed_at | account.id] AS account_ids,
       [(ring)-[held:HELD_BY]->(identifier:Identifier) |
        [identifier.kind, identifier.key, held.account_count]] AS identifiers,
       [(ring)-[:HAS_REASON]->(reason:Reason) | reason {.*}] AS reasons,
       ring.innocent_reading AS innocent_reading, ring.fewest_links AS fewest_links,
       [(ring)-[:SPLIT_FROM]->(parent:Ring) | parent.id] AS parents,
       head([(ring)-[:MERGED_INTO*]->(heir:Ring)
        WHERE NOT (heir)-[:MERGED_INTO]->() | heir.id]) AS merged_into;
