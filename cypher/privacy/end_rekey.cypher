// Notes that the keys were changed.
//
// Access: write
// Parameters:
//   $fingerprint  string  of the keys the graph has now
//   $version      int     of these keys
// Returns: nothing
// Browser: :params {fingerprint: "v2.x", version: 2}
MATCH (world:World {name: 'ringtrace', rekeying_to: $version})
SET world.key_fingerprint = $fingerprint, world.rekeying_to = null, world.rekeying_kinds = null;
