// What was said last of each ring, and the reasons it had then.
//
// Access: read
// Returns: ring_id, at, disposition, reason_codes, in_experiment
MATCH (ring:Ring)
WHERE ring.disposed_at IS NOT NULL
MATCH (ring)<-[:ABOUT]-(said:Disposition {at: ring.disposed_at})
WHERE said.disposition IN ['confirmed', 'dismissed']
RETURN ring.id AS ring_id, said.at AS at, said.disposition AS disposition,
       coalesce(said.reason_codes, []) AS reason_codes,
       coalesce(said.in_experiment, false) AS in_experiment
ORDER BY at, ring_id;
