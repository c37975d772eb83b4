// Every relationship among the nodes of a picture.
//
// Access: read
// Parameters:
//   $account_ids  list  accounts
//   $keys         list  identifier keys
// Returns: type, source, target, event_count, first_seen, last_seen, amount_micros, currency
// Browser: :params {account_ids: ["1"], keys: ["device:1"]}
UNWIND $account_ids AS account_id
MATCH (account:Account {id: account_id})
CALL (account) {
  MATCH (account)-[used:USED]->(identifier:Identifier)
  WHERE identifier.key IN $keys
  RETURN 'USED' AS type, identifier.key AS target, used.event_count AS event_count,
         used.first_seen AS first_seen, used.last_seen AS last_seen,
         null AS amount_micros, null AS currency
  UNION ALL
  MATCH (account)-[sent:TRANSFERRED]->(other:Account)
  WHERE other.id IN $account_ids
  RETURN 'TRANSFERRED' AS type, 'account:' + other.id AS target, sent.event_count AS event_count,
         sent.first_seen AS first_seen, sent.last_seen AS last_seen,
         sent.amount_micros AS amount_micros, sent.currency AS currency
  UNION ALL
  MATCH (account)-[referral:REFERRED]->(other:Account)
  WHERE other.id IN $account_ids
  RETURN 'REFERRED' AS type, 'account:' + other.id AS target,
         referral.event_count AS event_count, referral.at AS first_seen, referral.at AS last_seen,
         null AS amount_micros, null AS currency
}
RETURN type, 'account:' + account.id AS source, target, event_count, first_seen, last_seen,
       amount_micros, currency
ORDER BY source, type, target, currency;
