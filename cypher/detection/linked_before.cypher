// Whom some accounts hung together with when they were last looked at.
//
// An account that comes back to an address may be linked no longer to whom it met there.
//
// Access: read
// Parameters:
//   $account_ids  list  accounts
// Returns: id
// Browser: :params {account_ids: []}
UNWIND $account_ids AS account_id
MATCH (account:Account {id: account_id})
WHERE account.component IS NOT NULL
WITH DISTINCT account.component AS component
MATCH (other:Account {component: component})
RETURN other.id AS id
ORDER BY id;
