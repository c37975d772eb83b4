// What runs did to a ring, oldest first.
//
// Access: read
// Parameters:
//   $ring_id         string  the ring
//   $since           int     changes at or after, milliseconds since 1970
//   $after_run       int     changes of later runs only
//   $until_run       int     changes up to this run
//   $after_number    int     run of the last change of the page before
//   $after_position  int     its position in that run
//   $limit           int     most changes
// Returns: ring_id, run_id, number, position, at, kind, joined, left, others, score_before, score_after, level_before, level_after
// Browser: :params {ring_id: "", since: 0, after_run: 0, until_run: 1000000, after_number: 0, after_position: 0, limit: 25}
MATCH (ring:Ring {id: $ring_id})-[:CHANGED]->(change:RingChange)
WHERE change.at >= $since AND change.number > $after_run AND change.number <= $until_run
  AND (change.number > $after_number
       OR (change.number = $after_number AND change.position > $after_position))
RETURN ring.id AS ring_id, change.run_id AS run_id, change.number AS number,
       change.position AS position, change.at AS at, change.kind AS kind,
       change.joined AS joined, change.left AS left, change.others AS others,
       change.score_before AS score_before, change.score_after AS score_after,
       change.level_before AS level_before, change.level_after AS level_after
ORDER BY number, position
LIMIT $limit;
