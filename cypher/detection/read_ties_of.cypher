// The direct ties of some accounts, and those among the tied by which money comes round to them.
//
// Whom an account began with counts however many others it deals with; with whom somebody said that it
// belongs together, or does not, has no end.
//
// Access: read
// Parameters:
//   $account_ids  list  accounts
//   $cap          int   accounts with more counterparties than this are hubs and passed over
//   $live_from    int   ties that ended earlier have expired, milliseconds since 1970
// Returns: type, account_id, others, last_seen
// Browser: :params {account_ids: [], cap: 50, live_from: 0}
UNWIND $account_ids AS account_id
MATCH (one:Account {id: account_id})
WHERE COUNT { (one)-[:TRANSFERRED|REFERRED]-() } <= $cap
MATCH (one)-[tie:TRANSFERRED|REFERRED|COACTED]-(near:Account)
WHERE coalesce(tie.last_seen, tie.at) >= $live_from
  AND COUNT { (near)-[:TRANSFERRED|REFERRED]-() } <= $cap
RETURN type(tie) AS type, startNode(tie).id AS account_id, [endNode(tie).id] AS others,
       [coalesce(tie.last_seen, tie.at)] AS last_seen
UNION ALL
UNWIND $account_ids AS account_id
MATCH (one:Account {id: account_id})
WHERE EXISTS { (one)-[:TRANSFERRED]->() } AND EXISTS { (one)<-[:TRANSFERRED]-() }
MATCH (one)-[:TRANSFERRED]->(near:Account)-[tie:TRANSFERRED]->(far:Account)-[:TRANSFERRED]->(one)
WHERE tie.last_seen >= $live_from
  AND COUNT { (near)-[:TRANSFERRED|REFERRED]-() } <= $cap
  AND COUNT { (far)-[:TRANSFERRED|REFERRED]-() } <= $cap
RETURN 'TRANSFERRED' AS type, near.id AS account_id, [far.id] AS others,
       [tie.last_seen] AS last_seen
UNION ALL
UNWIND $account_ids AS account_id
MATCH (:Account {id: account_id})-[tie:BEGAN_WITH|MUST_LINK|CANNOT_LINK]-(:Account)
WHERE NOT tie:BEGAN_WITH OR tie.last_seen >= $live_from
RETURN type(tie) AS type, startNode(tie).id AS account_id, [endNode(tie).id] AS others,
       [tie.last_seen] AS last_seen;
