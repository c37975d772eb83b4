// A finished run.
//
// Access: write
// Parameters:
//   $run  map  {id, number, at, is_full, accounts, rings, alerts, detector_version}
// Returns: nothing
// Browser: :params {run: {id: "x", number: 1}}
MERGE (run:DetectionRun {id: $run.id})
SET run += $run
WITH run
MATCH (world:World {name: 'ringtrace'})
SET world.detection_runs = run.number;
