// The direct ties of some accounts and of those they are tied to: enough to see money go round.
//
// And with whom somebody said that they belong together, or do not: that has no cap and no end.
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
OPTIONAL MATCH (one)-[:TRANSFERRED|REFERRED|COACTED]-(near:Account)
WHERE COUNT { (near)-[:TRANSFERRED|REFERRED]-() } <= $cap
WITH collect(DISTINCT one) + collect(DISTINCT near) AS around
UNWIND around AS account
WITH DISTINCT account
MATCH (account)-[tie:TRANSFERRED|REFERRED|COACTED]->(other:Account)
WHERE coalesce(tie.last_seen, tie.at) >= $live_from
  AND COUNT { (other)-[:TRANSFERRED|REFERRED]-() } <= $cap
RETURN type(tie) AS type, account.id AS account_id, collect(other.id) AS others,
       collect(coalesce(tie.last_seen, tie.at)) AS last_seen
UNION ALL
UNWIND $account_ids AS account_id
MATCH (one:Account {id: account_id})
OPTIONAL MATCH (one)<-[:MUST_LINK|CANNOT_LINK]-(near:Account)
WITH collect(DISTINCT one) + collect(DISTINCT near) AS around
UNWIND around AS account
WITH DISTINCT account
MATCH (account)-[tie:MUST_LINK|CANNOT_LINK]->(other:Account)
RETURN type(tie) AS type, account.id AS account_id, collect(other.id) AS others,
       collect(tie.last_seen) AS last_seen;
