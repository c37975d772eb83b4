// What holds the rings together.
//
// Access: write
// Parameters:
//   $rows  list  {ring_id, key, account_count}
// Returns: nothing
// Browser: :params {rows: []}
UNWIND $rows AS row
MATCH (ring:Ring {id: row.ring_id})
MATCH (identifier:Identifier {key: row.key})
MERGE (ring)-[held:HELD_BY]->(identifier)
SET held.account_count = row.account_count;
