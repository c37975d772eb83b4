// Notes that keys are being changed, and waits until no writer is in the midst of a transaction.
//
// Writers lock their positions before they look at this note; from here on they see it and stop.
//
// Access: write
// Parameters:
//   $fingerprint  string  of the keys the graph has
//   $version      int     of the keys it will have
//   $kinds        list    identifier kinds that get new tokens
// Returns: has_begun
// Browser: :params {fingerprint: "v1.x", version: 2, kinds: []}
MATCH (world:World {name: 'ringtrace'})
SET world.is_locked = true
WITH world
WHERE world.key_fingerprint = $fingerprint AND world.rekeying_to IS NULL
SET world.rekeying_to = $version, world.rekeying_kinds = $kinds
WITH count(*) AS begun
CALL () {
  MATCH (position:Position)
  SET position.is_locked = true
  RETURN count(position) AS positions
}
RETURN begun = 1 AS has_begun;
