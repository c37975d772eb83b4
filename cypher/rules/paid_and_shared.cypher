// One account paid another with which it shares a payment instrument.
//
// Instruments on more than $max_accounts accounts are left out, and benign ones.
//
// Access: read
// Parameters:
//   $account_ids   list  accounts to look at
//   $max_accounts  int   above this an instrument is crowded
// Returns: identifier_key, account_ids, account_count, at, detail
// Severity: high
// Points: 25
// Subject: accounts
// Defaults: {"max_accounts": 50}
// Browser: :params {account_ids: ["1"], max_accounts: 50}
UNWIND $account_ids AS account_id
MATCH (account:Account {id: account_id})-[:USED]->(identifier:PaymentInstrument)
WITH account, identifier, COUNT { (identifier)<-[:USED]-() } AS degree
WHERE 2 <= degree <= $max_accounts AND identifier.benign_at IS NULL
MATCH (identifier)<-[:USED]-(other:Account)
MATCH (account)-[sent:TRANSFERRED]-(other)
WITH startNode(sent) AS payer, endNode(sent) AS payee, max(sent.last_seen) AS at,
     min([identifier.key, coalesce(identifier.value, left(split(identifier.key, '.')[1], 6) + '…')]) AS shared
RETURN shared[0] AS identifier_key, [payer.id, payee.id] AS account_ids, 2 AS account_count, at,
       payer.id + ' paid ' + payee.id + ', and both use payment instrument ' + shared[1] AS detail
ORDER BY account_ids;
