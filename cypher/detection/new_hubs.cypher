// Identifiers that went over their cap since they were last looked at, with their accounts.
//
// Their links vanish, so every account on them is looked at again.
//
// Access: read
// Parameters:
//   $caps  map  kind to the most accounts before a value is a hub
// Returns: key, account_ids
// Browser: :params {caps: {device: 50, payment_instrument: 50}}
MATCH (identifier:Identifier)
WITH identifier, COUNT { (identifier)<-[:USED]-() } AS degree
WHERE degree > $caps[identifier.kind] AND identifier.is_hub IS NULL
MATCH (identifier)<-[:USED]-(account:Account)
RETURN identifier.key AS key, collect(account.id) AS account_ids
ORDER BY key;
