// The last detection run that finished.
//
// Access: read
// Returns: number, run_id, at
MATCH (world:World {name: 'ringtrace'})
MATCH (run:DetectionRun {number: world.detection_runs})
RETURN run.number AS number, run.id AS run_id, run.at AS at;
