// Pairs of accounts that acted in step.
//
// Access: read
// Returns: source, target, objects, p_value, first_seen, last_seen
MATCH (source:Account)-[tie:COACTED]->(target:Account)
RETURN source.id AS source, target.id AS target, tie.objects AS objects, tie.p_value AS p_value,
       tie.first_seen AS first_seen, tie.last_seen AS last_seen;
