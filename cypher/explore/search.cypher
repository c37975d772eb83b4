// The account, the ring and the identifiers that somebody may have meant.
//
// Access: read
// Parameters:
//   $account_id  string  an account
//   $ring_id     string  a ring
//   $keys        list    identifier keys
// Returns: kind, id, value
// Browser: :params {account_id: "1", ring_id: "", keys: ["device:1"]}
CALL () {
  MATCH (account:Account {id: $account_id})
  RETURN 'account' AS kind, account.id AS id, account.id AS value
  UNION ALL
  MATCH (ring:Ring {id: $ring_id})
  RETURN 'ring' AS kind, ring.id AS id, ring.id AS value
  UNION ALL
  UNWIND $keys AS key
  MATCH (identifier:Identifier {key: key})
  RETURN identifier.kind AS kind, identifier.key AS id, identifier.value AS value
}
RETURN kind, id, value;
