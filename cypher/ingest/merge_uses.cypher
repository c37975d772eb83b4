// Uses that may be new.
//
// Access: write
// Parameters:
//   $rows  list  [account id, identifier key, events to add, first_seen, last_seen], sorted
// Returns: uses
// Browser: :params {rows: []}
UNWIND $rows AS row
MATCH (account:Account {id: row[0]})
MATCH (identifier:Identifier {key: row[1]})
MERGE (account)-[used:USED]->(identifier)
ON CREATE SET used.event_count = row[2], used.first_seen = row[3], used.last_seen = row[4]
ON MATCH SET used.event_count = used.event_count + row[2],
             used.first_seen = CASE WHEN row[3] < used.first_seen
                               THEN row[3] ELSE used.first_seen END,
             used.last_seen = CASE WHEN row[4] > used.last_seen
                              THEN row[4] ELSE used.last_seen END
RETURN count(*) AS uses;
