// Pairs of accounts that acted in step or began together.
//
// Access: read
// Returns: type, source, target, objects, p_value, first_seen, last_seen
MATCH (source:Account)-[tie:COACTED|BEGAN_WITH]->(target:Account)
RETURN type(tie) AS type, source.id AS source, target.id AS target, tie.objects AS objects,
       tie.p_value AS p_value, tie.first_seen AS first_seen, tie.last_seen AS last_seen;
