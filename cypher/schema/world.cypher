// Names this graph, once: local state that belongs to another graph is never mixed in.
//
// Access: schema
MERGE (world:World {name: 'ringtrace'})
ON CREATE SET world.id = randomUUID()
RETURN world.id AS world_id;
