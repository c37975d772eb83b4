// What accounts have to do with each other directly, by what they did or by what somebody said.
//
// Whom an account began with counts however many others it deals with; what somebody said has no end.
//
// Access: read
// Parameters:
//   $cap        int  accounts with more counterparties than this are hubs and passed over
//   $live_from  int  ties that ended earlier have expired, milliseconds since 1970
// Returns: type, account_id, others, last_seen
// Browser: :params {cap: 50, live_from: 0}
MATCH (account:Account)
WHERE EXISTS { (account)-[:TRANSFERRED|REFERRED|COACTED]->() }
  AND COUNT { (account)-[:TRANSFERRED|REFERRED]-() } <= $cap
MATCH (account)-[tie:TRANSFERRED|REFERRED|COACTED]->(other:Account)
WHERE coalesce(tie.last_seen, tie.at) >= $live_from
  AND COUNT { (other)-[:TRANSFERRED|REFERRED]-() } <= $cap
RETURN type(tie) AS type, account.id AS account_id, collect(other.id) AS others,
       collect(coalesce(tie.last_seen, tie.at)) AS last_seen
UNION ALL
MATCH (account:Account)-[tie:BEGAN_WITH|MUST_LINK|CANNOT_LINK]->(other:Account)
WHERE NOT tie:BEGAN_WITH OR tie.last_seen >= $live_from
RETURN type(tie) AS type, account.id AS account_id, collect(other.id) AS others,
       collect(tie.last_seen) AS last_seen;
