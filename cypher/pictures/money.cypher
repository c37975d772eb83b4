// A hit about money: whom these accounts paid and who paid them.
//
// Access: read
// Parameters:
//   $account_ids  list  whom the hit is about
// Returns: picture
// Browser: :params {account_ids: ["1"]}
MATCH picture = (account:Account)-[:TRANSFERRED|REFERRED]-(:Account)
WHERE account.id IN $account_ids
RETURN picture
LIMIT 300;
