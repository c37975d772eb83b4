// How much there is: accounts, identifiers by kind and how many of them are shared.
//
// Access: read
// Returns: kind, count, shared
CALL () {
  MATCH (account:Account)
  RETURN 'account' AS kind, count(account) AS count, 0 AS shared
  UNION ALL
  MATCH (identifier:Identifier)
  WITH identifier.kind AS kind, COUNT { (identifier)<-[:USED]-() } AS degree
  RETURN kind, count(*) AS count, sum(CASE WHEN degree > 1 THEN 1 ELSE 0 END) AS shared
}
RETURN kind, count, shared
ORDER BY kind;
