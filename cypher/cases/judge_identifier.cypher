// Makes an identifier benign, or no longer: when, and the accounts on it.
//
// Counts it first: a detection run that began before is repeated.
//
// Access: write
// Parameters:
//   $key        string  identifier key
//   $is_benign  bool    whether it links nobody from now on
//   $now        int     clock, milliseconds since 1970
// Returns: at, account_ids
// Browser: :params {key: "", is_benign: true, now: 0}
MATCH (world:World {name: 'ringtrace'})
SET world.dispositions = coalesce(world.dispositions, 0) + 1
WITH 1 AS counted
MATCH (identifier:Identifier {key: $key})
SET identifier.disposed_at = CASE WHEN $now > coalesce(identifier.disposed_at, 0) THEN $now
                             ELSE identifier.disposed_at + 1 END
SET identifier.benign_at = CASE WHEN $is_benign THEN identifier.disposed_at END
RETURN identifier.disposed_at AS at,
       [(identifier)<-[:USED]-(account:Account) | account.id] AS account_ids;
