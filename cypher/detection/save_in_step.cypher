// Pairs of accounts that act in step more often than chance allows, or began together.
//
// Access: write
// Parameters:
//   $rows  list  [COACTED or BEGAN_WITH, source, target, objects, p-value, first seen, last seen], source < target
// Returns: nothing
// Browser: :params {rows: []}
UNWIND $rows AS row
MATCH (source:Account {id: row[1]})
MATCH (target:Account {id: row[2]})
MERGE (source)-[tie:$(row[0])]->(target)
SET tie.objects = row[3], tie.p_value = row[4], tie.first_seen = row[5], tie.last_seen = row[6];
