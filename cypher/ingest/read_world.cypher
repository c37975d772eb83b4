// The name this graph was given when its schema was applied.
//
// Access: read
// Returns: world_id
MATCH (world:World {name: 'ringtrace'})
RETURN world.id AS world_id;
