// How many detection runs have finished, and how many dispositions there are.
//
// Access: read
// Returns: number, dispositions
MATCH (world:World {name: 'ringtrace'})
RETURN coalesce(world.detection_runs, 0) AS number, coalesce(world.dispositions, 0) AS dispositions;
