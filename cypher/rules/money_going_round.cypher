// Money that comes back: A pays B, B pays C, C pays A.
//
// Accounts with more than $max_counterparties payees are merchants or exchanges and are passed over.
// Whichever of the three is asked about, the hit is the same: it begins at the smallest id.
//
// Access: read
// Parameters:
//   $account_ids         list  accounts to look at
//   $max_counterparties  int   most payees of an account on the way
// Returns: identifier_key, account_ids, account_count, at, detail
// Severity: high
// Points: 20
// Subject: accounts
// Picture: money
// Defaults: {"max_counterparties": 50}
// Browser: :params {account_ids: ["1"], max_counterparties: 50}
UNWIND $account_ids AS account_id
MATCH (x:Account {id: account_id})-[first:TRANSFERRED]->(y:Account)
WHERE x <> y AND EXISTS { (x)<-[:TRANSFERRED]-() } AND COUNT { (x)-[:TRANSFERRED]->() } <= $max_counterparties
  AND COUNT { (y)-[:TRANSFERRED]->() } <= $max_counterparties
MATCH (y)-[second:TRANSFERRED]->(z:Account)-[third:TRANSFERRED]->(x)
WHERE z <> x AND z <> y AND COUNT { (z)-[:TRANSFERRED]->() } <= $max_counterparties
WITH CASE WHEN x.id < y.id AND x.id < z.id THEN [x.id, y.id, z.id]
          WHEN y.id < z.id AND y.id < x.id THEN [y.id, z.id, x.id]
          ELSE [z.id, x.id, y.id] END AS account_ids,
     reduce(latest = 0, seen IN [first.last_seen, second.last_seen, third.last_seen] |
       CASE WHEN seen > latest THEN seen ELSE latest END) AS seen
WITH account_ids, max(seen) AS at
RETURN '' AS identifier_key, account_ids, 3 AS account_count, at,
       'money went round: ' + account_ids[0] + ' to ' + account_ids[1] + ' to ' +
       account_ids[2] + ' and back' AS detail
ORDER BY account_ids;
