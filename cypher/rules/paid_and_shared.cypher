// One account paid another with which it shares a payment instrument.
//
// Instruments on more than $max_accounts accounts are left out, and benign ones.
//
// Access: read
// Parameters:
//   $identifier_keys  list  what links accounts, to look at
//   $max_accounts     int   above this an instrument is crowded
// Returns: identifier_key, account_ids, account_count, at, detail
// Severity: high
// Points: 25
// Subject: accounts
// Picture: money
// Defaults: {"max_accounts": 50}
// Browser: :params {identifier_keys: ["payment_instrument:1"], max_accounts: 50}
UNWIND $identifier_keys AS key
MATCH (identifier:Identifier {key: key})
WHERE identifier:PaymentInstrument AND identifier.benign_at IS NULL
  AND COUNT { (identifier)<-[:USED]-() } <= $max_accounts
MATCH (account:Account)-[:USED]->(identifier)<-[:USED]-(other:Account)
MATCH (account)-[sent:TRANSFERRED]->(other)
WITH account AS payer, other AS payee, max(sent.last_seen) AS at,
     min([identifier.key, coalesce(identifier.value, left(split(identifier.key, '.')[1], 6) + '…')]) AS shared
RETURN shared[0] AS identifier_key, [payer.id, payee.id] AS account_ids, 2 AS account_count, at,
       payer.id + ' paid ' + payee.id + ', and both use payment instrument ' + shared[1] AS detail
ORDER BY account_ids;
