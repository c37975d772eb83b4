// Takes a ring for a disposition: nobody else's comes between, and its time is after the last one's.
//
// Counts it first: a detection run that began before is repeated.
//
// Access: write
// Parameters:
//   $ring_id  string  the ring
//   $now      int     clock, milliseconds since 1970
// Returns: number, status, at, last_seen, risk_level, alert_count, in_experiment, account_ids, reason_codes
// Browser: :params {ring_id: "", now: 0}
MATCH (world:World {name: 'ringtrace'})
SET world.dispositions = coalesce(world.dispositions, 0) + 1
WITH world.dispositions AS number
MATCH (ring:Ring {id: $ring_id})
SET ring.disposed_at = CASE WHEN $now > coalesce(ring.disposed_at, 0) THEN $now
                       ELSE ring.disposed_at + 1 END
WITH number, ring
OPTIONAL MATCH (ring)<-[member:MEMBER_OF]-(account:Account)
WHERE member.until IS NULL OR member.until = ring.closed_at
WITH number, ring, account.id AS id, member.strength AS strength ORDER BY strength DESC, id
RETURN number, ring.status AS status, ring.disposed_at AS at, ring.last_seen AS last_seen,
       ring.risk_level AS risk_level, coalesce(ring.alert_count, 0) AS alert_count,
       EXISTS { (ring)<-[:MEMBER_OF]-(:Account {in_experiment: true}) } AS in_experiment,
       collect(id) AS account_ids,
       COLLECT { MATCH (ring)-[:HAS_REASON]->(reason) RETURN reason.code ORDER BY reason.code }
         AS reason_codes;
