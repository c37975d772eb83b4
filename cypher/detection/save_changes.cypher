// What a run did to each ring; `position` is the order of the run's changes.
//
// Access: write
// Parameters:
//   $rows    list    {ring_id, position, kind, joined, left, others, score_before, score_after, level_before, level_after}
//   $run_id  string  the run
//   $number  int     its number
//   $now     int     time of the run
// Returns: nothing
// Browser: :params {rows: [], run_id: "", number: 0, now: 0}
UNWIND $rows AS row
MATCH (ring:Ring {id: row.ring_id})
CREATE (ring)-[:CHANGED]->(:RingChange {
  run_id: $run_id, number: $number, position: row.position, at: $now, kind: row.kind,
  joined: row.joined, left: row.left, others: row.others,
  score_before: row.score_before, score_after: row.score_after,
  level_before: row.level_before, level_after: row.level_after
});
