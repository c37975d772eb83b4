// One account referred another with which it shares a device, a card or whatever else links accounts.
//
// Who invites himself collects the reward; so does a family, which is why it weighs little. Values on more
// than $max_accounts accounts are left out, and benign ones.
//
// Access: read
// Parameters:
//   $identifier_keys  list  what links accounts, to look at
//   $max_accounts     int   above this a value is crowded
// Returns: identifier_key, account_ids, account_count, at, detail
// Severity: low
// Points: 10
// Subject: accounts
// Picture: money
// Defaults: {"max_accounts": 50}
// Browser: :params {identifier_keys: ["device:1"], max_accounts: 50}
UNWIND $identifier_keys AS key
MATCH (identifier:Identifier {key: key})
WHERE identifier.benign_at IS NULL AND COUNT { (identifier)<-[:USED]-() } <= $max_accounts
MATCH (identifier)<-[:USED]-(account:Account)-[referred:REFERRED]->(other:Account)
WHERE EXISTS { (other)-[:USED]->(identifier) }
WITH account AS referrer, other AS invited, max(referred.at) AS at, min(identifier.key) AS shared
RETURN shared AS identifier_key, [referrer.id, invited.id] AS account_ids, 2 AS account_count, at,
       referrer.id + ' referred ' + invited.id + ', and both use the same ' +
       replace(split(shared, ':')[0], '_', ' ') AS detail
ORDER BY account_ids;
