// What a run did to each ring.
//
// Access: write
// Parameters:
//   $rows    list    {ring_id, kind, joined, left, score_before, score_after}
//   $run_id  string  the run
//   $now     int     time of the run
// Returns: nothing
// Browser: :params {rows: [], run_id: "", now: 0}
UNWIND $rows AS row
MATCH (ring:Ring {id: row.ring_id})
CREATE (ring)-[:CHANGED]->(:RingChange {
  run_id: $run_id, at: $now, kind: row.kind, joined: row.joined, left: row.left,
  score_before: row.score_before, score_after: row.score_after
});
