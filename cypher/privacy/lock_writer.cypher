// Keeps the keys of the graph as they are until the transaction of a writer ends.
//
// By the writer's own positions, which nobody else wants: privacy/begin_rekey waits for all of them.
//
// Access: write
// Parameters:
//   $rows  list  {topic_id, partition} of the writer, sorted; at least one
// Returns: fingerprint, rekeying_to
// Browser: :params {rows: []}
UNWIND $rows AS row
MATCH (position:Position {topic_id: row.topic_id, partition: row.partition})
SET position.is_locked = true
WITH count(*) AS positions
MATCH (world:World {name: 'ringtrace'})
RETURN world.key_fingerprint AS fingerprint, world.rekeying_to AS rekeying_to;
