// Accounts that have too many counterparties since, or no more, with their counterparties.
//
// Access: read
// Parameters:
//   $account_ids  list  accounts
//   $cap          int   accounts with more counterparties than this are hubs
// Returns: id, is_crowded, others
// Browser: :params {account_ids: [], cap: 50}
UNWIND $account_ids AS account_id
MATCH (account:Account {id: account_id})
WITH account, COUNT { (account)-[:TRANSFERRED|REFERRED]-() } > $cap AS is_crowded
WHERE is_crowded <> coalesce(account.is_crowded, false)
RETURN account.id AS id, is_crowded,
       [(account)-[:TRANSFERRED|REFERRED]-(other:Account) | other.id] AS others
ORDER BY id;
