// How many detection runs have finished.
//
// Access: read
// Returns: number
MATCH (world:World {name: 'ringtrace'})
RETURN coalesce(world.detection_runs, 0) AS number;
