// Keeps the keys of the graph as they are until the transaction ends, and says which they are.
//
// For the transactions that are rare: taking partitions, saving a detection run.
//
// Access: write
// Returns: fingerprint, rekeying_to
MATCH (world:World {name: 'ringtrace'})
SET world.is_locked = true
RETURN world.key_fingerprint AS fingerprint, world.rekeying_to AS rekeying_to;
