// Deletes identifiers and accounts that nothing is tied to any more, a ring or an alert neither.
//
// Access: write
// Parameters:
//   $keys         list<string>  identifiers that lost a use
//   $account_ids  list<string>  accounts that may be past
//   $before       int           accounts last seen earlier go, milliseconds since 1970
// Returns: nothing
// Browser: :params {keys: [], account_ids: [], before: 0}
CALL () {
  UNWIND $keys AS key
  MATCH (identifier:Identifier {key: key})
  WHERE NOT EXISTS { (identifier)--() }
  DELETE identifier
}
CALL () {
  UNWIND $account_ids AS id
  MATCH (account:Account {id: id})
  WHERE coalesce(account.last_seen, 0) < $before AND NOT EXISTS { (account)--() }
  DELETE account
};
