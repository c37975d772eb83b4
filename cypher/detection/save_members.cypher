// Who joined a ring; a member that comes back keeps its first `since`.
//
// Access: write
// Parameters:
//   $rows  list  {ring_id, account_id, strength}
//   $now   int   time of the run
// Returns: nothing
// Browser: :params {rows: [], now: 0}
UNWIND $rows AS row
MATCH (ring:Ring {id: row.ring_id})
MATCH (account:Account {id: row.account_id})
MERGE (account)-[member:MEMBER_OF]->(ring)
ON CREATE SET member.since = $now
SET member.until = null, member.strength = row.strength;
