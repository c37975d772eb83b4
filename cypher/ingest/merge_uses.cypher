// Which account used which identifier, how often and between which times.
//
// Access: write
// Parameters:
//   $rows  list  {account_id, key, event_count, first_seen, last_seen}, sorted
// Returns: nothing
// Browser: :params {rows: []}
UNWIND $rows AS row
MATCH (account:Account {id: row.account_id})
MATCH (identifier:Identifier {key: row.key})
MERGE (account)-[used:USED]->(identifier)
ON CREATE SET used.event_count = row.event_count,
              used.first_seen = row.first_seen, used.last_seen = row.last_seen
ON MATCH SET used.event_count = used.event_count + row.event_count,
             used.first_seen = CASE WHEN row.first_seen < used.first_seen
                               THEN row.first_seen ELSE used.first_seen END,
             used.last_seen = CASE WHEN row.last_seen > used.last_seen
                              THEN row.last_seen ELSE used.last_seen END;
