// The relationships among the nodes of a picture.
//
// Of those that act in step, or began together, everybody is tied to everybody: $ties of them each
// show that as well.
//
// Access: read
// Parameters:
//   $account_ids  list  accounts
//   $keys         list  identifier keys
//   $ties         int   most ties of each account to such others with greater ids
// Returns: type, source, target, event_count, first_seen, last_seen, amount_micros, currency
// Browser: :params {account_ids: ["1"], keys: ["device:1"], ties: 5}
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
  UNION ALL
  MATCH (account)-[tie:COACTED|BEGAN_WITH]->(other:Account)
  WHERE other.id IN $account_ids
  WITH tie, other ORDER BY tie.objects DESC, other.id, type(tie) LIMIT $ties
  RETURN type(tie) AS type, 'account:' + other.id AS target, tie.objects AS event_count,
         tie.first_seen AS first_seen, tie.last_seen AS last_seen,
         null AS amount_micros, null AS currency
}
RETURN type, 'account:' + account.id AS source, target, event_count, first_seen, last_seen,
       amount_micros, currency
ORDER BY source, type, target, currency;
