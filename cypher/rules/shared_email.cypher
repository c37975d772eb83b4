// Several accounts name one e-mail address.
//
// One on more than $max_accounts accounts is a firm's or made up, and is left to rules/crowded_identifier.
//
// Access: read
// Parameters:
//   $identifier_keys  list  what links accounts, to look at
//   $min_accounts     int   fewest accounts worth reporting
//   $max_accounts     int   above this it is crowded
// Returns: identifier_key, account_ids, account_count, at, detail
// Severity: medium
// Points: 25
// Subject: identifier
// Picture: identifier
// Defaults: {"min_accounts": 3, "max_accounts": 20}
// Browser: :params {identifier_keys: ["email:1"], min_accounts: 3, max_accounts: 20}
UNWIND $identifier_keys AS key
MATCH (identifier:Identifier {key: key})
WHERE identifier.kind = 'email'
WITH identifier, COUNT { (identifier)<-[:USED]-() } AS account_count
WHERE account_count >= $min_accounts AND account_count <= $max_accounts
MATCH (identifier)<-[used:USED]-(account:Account)
RETURN identifier.key AS identifier_key, collect(account.id) AS account_ids, account_count,
       max(used.last_seen) AS at,
       'email ' + coalesce(identifier.value, left(split(identifier.key, '.')[1], 6) + '…') +
       ' is named by ' + account_count + ' accounts' AS detail
ORDER BY identifier_key;
