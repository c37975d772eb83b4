// Open rings of which nothing is known but who is in them.
//
// Access: write
// Parameters:
//   $rows  list  {ring_id, born_at, members}, members as [account id, strength]
// Returns: nothing
// Browser: :params {rows: []}
UNWIND $rows AS row
MERGE (ring:Ring {id: row.ring_id})
SET ring.status = 'open', ring.born_at = row.born_at, ring.risk_score = 0, ring.risk_level = 'low'
WITH ring, row
UNWIND row.members AS member
MATCH (account:Account {id: member[0]})
MERGE (account)-[in:MEMBER_OF]->(ring)
SET in.since = row.born_at, in.strength = member[1];
