// Which keys the graph's tokens were made with, and whether they are being changed.
//
// Access: read
// Returns: fingerprint, rekeying_to, rekeying_kinds
MATCH (world:World {name: 'ringtrace'})
RETURN world.key_fingerprint AS fingerprint, world.rekeying_to AS rekeying_to,
       world.rekeying_kinds AS rekeying_kinds;
