// What accounts have to do with each other directly: whom each paid, referred, acted in step
// or began with.
//
// And who belongs together, or does not, because somebody said so: that has no cap and no end.
//
// Access: read
// Parameters:
//   $cap        int  accounts with more counterparties than this are hubs and passed over
//   $live_from  int  ties that ended earlier have expired, milliseconds since 1970
// Returns: type, account_id, others, last_seen
// Browser: :params {cap: 50, live_from: 0}
MATCH (account:Account)
WHERE EXISTS { (account)-[:TRANSFERRED|REFERRED|COACTED|BEGAN_WITH]->() }
  AND COUNT { (account)-[:TRANSFERRED|REFERRED]-() } <= $cap
MATCH (account)-[tie:TRANSFERRED|REFERRED|COACTED|BEGAN_WITH]->(other:Account)
WHERE coalesce(tie.last_seen, tie.at) >= $live_from
  AND COUNT { (other)-[:TRANSFERRED|REFERRED]-() } <= $cap
RETURN type(tie) AS type, account.id AS account_id, collect(other.id) AS others,
       collect(coalesce(tie.last_seen, tie.at)) AS last_seen
UNION ALL
MATCH (account:Account)-[tie:MUST_LINK|CANNOT_LINK]->(other:Account)
RETURN type(tie) AS type, account.id AS account_id, collect(other.id) AS others,
       collect(tie.last_seen) AS last_seen;
