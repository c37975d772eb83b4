// Every account that ever acted or was paid, for a full pass.
//
// Access: read
// Returns: id
MATCH (account:Account)
RETURN account.id AS id
ORDER BY id;
