// Several accounts were first seen within a short time and share one identifier.
//
// Values on more than $max_accounts accounts are left out: on a carrier's IP somebody is always new.
//
// Access: read
// Parameters:
//   $account_ids   list  accounts to look at
//   $min_accounts  int   fewest new accounts
//   $max_accounts  int   above this it is crowded
//   $window_ms     int   time within which they were first seen
// Returns: identifier_key, account_ids, account_count, at, detail
// Severity: high
// Points: 20
// Subject: identifier
// Defaults: {"min_accounts": 3, "max_accounts": 50, "window_ms": 86400000}
// Browser: :params {account_ids: ["1"], min_accounts: 3, max_accounts: 50, window_ms: 86400000}
UNWIND $account_ids AS account_id
MATCH (:Account {id: account_id})-[:USED]->(identifier:Identifier)
WITH DISTINCT identifier, COUNT { (identifier)<-[:USED]-() } AS degree
WHERE degree >= $min_accounts AND degree <= $max_accounts
MATCH (identifier)<-[:USED]-(account:Account)
WHERE account.first_seen IS NOT NULL
WITH identifier, account ORDER BY account.first_seen, account.id
WITH identifier, collect(account) AS accounts
UNWIND range(0, size(accounts) - $min_accounts) AS start
WITH identifier, accounts, accounts[start].first_seen AS opened, accounts[start + $min_accounts - 1].first_seen AS closed
WHERE closed - opened <= $window_ms
UNWIND accounts AS account
WITH DISTINCT identifier, account, opened
WHERE account.first_seen >= opened AND account.first_seen <= opened + $window_ms
WITH identifier, collect(DISTINCT account.id) AS account_ids, max(account.first_seen) AS at
RETURN identifier.key AS identifier_key, account_ids, size(account_ids) AS account_count, at,
       toString(size(account_ids)) + ' accounts on ' + replace(identifier.kind, '_', ' ') + ' ' +
       coalesce(identifier.value, left(split(identifier.key, '.')[1], 6) + '…') +
       ' appeared within ' + toString($window_ms / 3600000) + ' hours of each other' AS detail
ORDER BY identifier_key;
