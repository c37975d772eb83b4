// Identifiers that more than one account used and that are no hubs, with their accounts.
//
// Only these are read: their degree comes from the degree store, so the many private ones cost
// next to nothing.
//
// Access: read
// Parameters:
//   $caps  map  kind to the most accounts before a value is a hub
// Returns: key, kind, account_ids, first_seen, last_seen
// Browser: :params {caps: {device: 50, payment_instrument: 50}}
MATCH (identifier:Identifier)
WITH identifier, COUNT { (identifier)<-[:USED]-() } AS degree
WHERE degree >= 2 AND degree <= $caps[identifier.kind]
MATCH (identifier)<-[used:USED]-(account:Account)
RETURN identifier.key AS key, identifier.kind AS kind, collect(account.id) AS account_ids,
       collect(used.first_seen) AS first_seen, collect(used.last_seen) AS last_seen
ORDER BY key;
