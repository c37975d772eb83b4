// An identifier on so many accounts that it no longer tells who belongs together.
//
// A carrier's IP, a kiosk, an emulator farm or a test card: shown, never walked through.
//
// Access: read
// Parameters:
//   $account_ids   list  accounts to look at
//   $min_accounts  int   fewest accounts that make a crowd
// Returns: identifier_key, account_ids, account_count, at, detail
// Severity: low
// Points: 5
// Subject: identifier
// Picture: identifier
// Defaults: {"min_accounts": 20}
// Browser: :params {account_ids: ["1"], min_accounts: 20}
UNWIND $account_ids AS account_id
MATCH (account:Account {id: account_id})-[used:USED]->(identifier:Identifier)
WITH identifier, account, used, COUNT { (identifier)<-[:USED]-() } AS account_count
WHERE account_count >= $min_accounts
RETURN identifier.key AS identifier_key, collect(account.id) AS account_ids, account_count,
       max(used.last_seen) AS at,
       replace(identifier.kind, '_', ' ') + ' ' +
       coalesce(identifier.value, left(split(identifier.key, '.')[1], 6) + '…') +
       ' is crowded: ' + account_count + ' accounts' AS detail
ORDER BY identifier_key;
