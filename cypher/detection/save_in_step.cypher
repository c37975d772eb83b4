// Pairs of accounts that act in step more often than chance allows.
//
// Access: write
// Parameters:
//   $rows  list  [source, target, objects, p-value, first seen, last seen], source < target
// Returns: nothing
// Browser: :params {rows: []}
UNWIND $rows AS row
MATCH (source:Account {id: row[0]})
MATCH (target:Account {id: row[1]})
MERGE (source)-[tie:COACTED]->(target)
SET tie.objects = row[2], tie.p_value = row[3], tie.first_seen = row[4], tie.last_seen = row[5];
