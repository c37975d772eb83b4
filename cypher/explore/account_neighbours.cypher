// What an account used and whom it dealt with, riskiest and most shared first.
//
// Access: read
// Parameters:
//   $account_id  string  the account
//   $kinds       list    identifier kinds and `account`
//   $limit       int     most neighbours
// Returns: ids, total
// Browser: :params {account_id: "1", kinds: ["account", "device", "payment_instrument"], limit: 50}
MATCH (account:Account {id: $account_id})
CALL (account) {
  CALL (account) {
    MATCH (account)-[:USED]->(identifier:Identifier)
    WHERE identifier.kind IN $kinds
    RETURN identifier.key AS id, COUNT { (identifier)<-[:USED]-() } AS rank
    UNION
    MATCH (account)-[:TRANSFERRED|REFERRED]-(other:Account)
    WHERE 'account' IN $kinds
    RETURN DISTINCT 'account:' + other.id AS id,
           100 + reduce(top = 0, score IN [(other)-[m:MEMBER_OF]->(ring:Ring {status: 'open'})
             WHERE m.until IS NULL | ring.risk_score] |
             CASE WHEN score > top THEN score ELSE top END) AS rank
  }
  WITH id, rank ORDER BY rank DESC, id
  RETURN collect(id) AS ids
}
RETURN ids[0..$limit] AS ids, size(ids) AS total;
