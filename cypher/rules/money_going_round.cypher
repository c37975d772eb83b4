// Money that comes back: A pays B, B pays C, C pays A.
//
// Accounts with more than $max_counterparties payees are merchants or exchanges and are passed over.
//
// Access: read
// Parameters:
//   $account_ids         list  accounts to look at
//   $max_counterparties  int   most payees of an account on the way
// Returns: identifier_key, account_ids, account_count, at, detail
// Severity: high
// Points: 20
// Subject: accounts
// Defaults: {"max_counterparties": 50}
// Browser: :params {account_ids: ["1"], max_counterparties: 50}
UNWIND $account_ids AS account_id
MATCH (a:Account {id: account_id})-[first:TRANSFERRED]->(b:Account)
WHERE a.id < b.id AND COUNT { (a)-[:TRANSFERRED]->() } <= $max_counterparties
  AND COUNT { (b)-[:TRANSFERRED]->() } <= $max_counterparties
MATCH (b)-[second:TRANSFERRED]->(c:Account)-[third:TRANSFERRED]->(a)
WHERE a.id < c.id AND b.id <> c.id AND COUNT { (c)-[:TRANSFERRED]->() } <= $max_counterparties
WITH a, b, c, max(CASE WHEN first.last_seen > second.last_seen
                  THEN CASE WHEN first.last_seen > third.last_seen THEN first.last_seen ELSE third.last_seen END
                  ELSE CASE WHEN second.last_seen > third.last_seen THEN second.last_seen ELSE third.last_seen END
                  END) AS at
RETURN '' AS identifier_key, [a.id, b.id, c.id] AS account_ids, 3 AS account_count, at,
       'money went round: ' + a.id + ' to ' + b.id + ' to ' + c.id + ' and back' AS detail
ORDER BY account_ids;
