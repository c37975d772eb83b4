// Several accounts were first seen within a short time, on one identifier.
//
// Where they began elsewhere they are new to the identifier only, or the events began later than they
// did. Of kinds that tell little, such as IP addresses, somebody is always new; so are values on more than
// $max_accounts accounts.
//
// Access: read
// Parameters:
//   $identifier_keys  list  what links accounts, to look at
//   $kinds            list  kinds of identifiers looked at
//   $min_accounts     int   fewest new accounts
//   $max_accounts     int   above this it is crowded
//   $window_ms        int   time within which they were first seen
//   $first_ms         int   time from an account's first event to its first with the identifier
// Returns: identifier_key, account_ids, account_count, at, detail
// Severity: high
// Points: 20
// Subject: identifier
// Picture: identifier
// Defaults: {"kinds": ["device", "payment_instrument", "email", "phone"], "min_accounts": 3, "max_accounts": 50, "window_ms": 86400000, "first_ms": 3600000}
// Browser: :params {identifier_keys: ["device:1"], kinds: ["device"], min_accounts: 3, max_accounts: 50, window_ms: 86400000, first_ms: 3600000}
UNWIND $identifier_keys AS key
MATCH (identifier:Identifier {key: key})
WITH identifier, COUNT { (identifier)<-[:USED]-() } AS degree
WHERE degree >= $min_accounts AND degree <= $max_accounts AND identifier.kind IN $kinds
MATCH (identifier)<-[used:USED]-(account:Account)
WHERE used.first_seen - account.first_seen <= $first_ms
WITH identifier, account.first_seen AS first_seen, account.id AS id ORDER BY first_seen, id
WITH identifier, collect(first_seen) AS came, collect(id) AS ids
WITH identifier, came, ids,
     [start IN range(0, size(came) - $min_accounts)
      WHERE came[start + $min_accounts - 1] - came[start] <= $window_ms | came[start]] AS opened
WHERE size(opened) > 0
WITH identifier, came, ids,
     [n IN range(0, size(came) - 1)
      WHERE any(since IN opened WHERE since <= came[n] AND came[n] <= since + $window_ms)] AS burst
WITH identifier, [n IN burst | ids[n]] AS account_ids, came[last(burst)] AS at
RETURN identifier.key AS identifier_key, account_ids, size(account_ids) AS account_count, at,
       toString(size(account_ids)) + ' accounts on ' + replace(identifier.kind, '_', ' ') + ' ' +
       coalesce(identifier.value, left(split(identifier.key, '.')[1], 6) + '…') +
       ' appeared within ' + toString($window_ms / 3600000) + ' hours of each other' AS detail
ORDER BY identifier_key;
