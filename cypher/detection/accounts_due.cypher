// Accounts for which a use comes into an older age class.
//
// Access: read
// Parameters:
//   $now  int  time of the run, milliseconds since 1970
// Returns: id
// Browser: :params {now: 0}
MATCH (account:Account)
WHERE account.due_at <= $now
RETURN account.id AS id
ORDER BY id;
