// Remembers, once, which keys the graph's tokens are made with.
//
// Access: write
// Parameters:
//   $fingerprint  string  of the current keys; it tells nothing of them
// Returns: fingerprint, rekeying_to
// Browser: :params {fingerprint: "v1.x"}
MATCH (world:World {name: 'ringtrace'})
SET world.key_fingerprint = coalesce(world.key_fingerprint, $fingerprint)
RETURN world.key_fingerprint AS fingerprint, world.rekeying_to AS rekeying_to;
