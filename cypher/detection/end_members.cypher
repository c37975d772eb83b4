// Who left a ring.
//
// Access: write
// Parameters:
//   $rows  list  {ring_id, account_id}
//   $now   int   time of the run
// Returns: nothing
// Browser: :params {rows: [], now: 0}
UNWIND $rows AS row
MATCH (:Account {id: row.account_id})-[member:MEMBER_OF]->(:Ring {id: row.ring_id})
SET member.until = $now;
