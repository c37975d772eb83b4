// Accounts on an identifier, riskiest first.
//
// Access: read
// Parameters:
//   $key    string  identifier key
//   $limit  int     most accounts
// Returns: ids, total
// Browser: :params {key: "device:1", limit: 50}
MATCH (identifier:Identifier {key: $key})
CALL (identifier) {
  MATCH (identifier)<-[:USED]-(account:Account)
  WITH account, reduce(top = 0, score IN [(account)-[m:MEMBER_OF]->(ring:Ring {status: 'open'})
    WHERE m.until IS NULL | ring.risk_score] |
    CASE WHEN score > top THEN score ELSE top END) AS rank
  ORDER BY rank DESC, account.id
  LIMIT $limit
  RETURN collect('account:' + account.id) AS ids
}
RETURN ids, COUNT { (identifier)<-[:USED]-() } AS total;
