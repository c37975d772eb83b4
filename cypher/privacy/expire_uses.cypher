// Takes the relationships that ended before the retention time from a page of accounts.
//
// Every account of the page comes back, with how many of its relationships went and the identifiers
// and accounts at their other ends.
//
// Access: write
// Parameters:
//   $after   string  the account before the page; empty at the beginning
//   $limit   int     accounts in a page
//   $before  int     what was last seen earlier goes, milliseconds since 1970
// Returns: id, ended, keys
// Browser: :params {after: "", limit: 1000, before: 0}
MATCH (account:Account)
WHERE account.id > $after
WITH account ORDER BY account.id LIMIT $limit
CALL (account) {
  MATCH (account)-[past:USED|TRANSFERRED|REFERRED]->(other)
  WHERE coalesce(past.last_seen, past.at) < $before
  WITH past, coalesce(other.key, other.id) AS key
  DELETE past
  RETURN count(*) AS ended, collect(key) AS keys
}
RETURN account.id AS id, ended, keys
ORDER BY id;
