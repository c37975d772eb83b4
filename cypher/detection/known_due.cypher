// When the graph would have accounts looked at again, and what they hang together with.
//
// Access: read
// Parameters:
//   $account_ids  list  accounts to describe
// Returns: id, due_at, component
// Browser: :params {account_ids: []}
UNWIND $account_ids AS account_id
MATCH (account:Account {id: account_id})
RETURN account.id AS id, account.due_at AS due_at, account.component AS component;
