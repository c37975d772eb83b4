// Money between accounts, one relationship an ordered pair and currency.
//
// Access: write
// Parameters:
//   $rows  list  {account_id, counterparty_account_id, currency, event_count, amount_micros, first_seen, last_seen}
// Returns: nothing
// Browser: :params {rows: []}
UNWIND $rows AS row
MATCH (payer:Account {id: row.account_id})
MATCH (payee:Account {id: row.counterparty_account_id})
MERGE (payer)-[sent:TRANSFERRED {currency: row.currency}]->(payee)
ON CREATE SET sent.event_count = row.event_count, sent.amount_micros = row.amount_micros,
              sent.first_seen = row.first_seen, sent.last_seen = row.last_seen
ON MATCH SET sent.event_count = sent.event_count + row.event_count,
             sent.amount_micros = CASE
               WHEN sent.amount_micros > 4000000000000000000 - row.amount_micros
               THEN 4000000000000000000 ELSE sent.amount_micros + row.amount_micros END,
             sent.first_seen = CASE WHEN row.first_seen < sent.first_seen
                               THEN row.first_seen ELSE sent.first_seen END,
             sent.last_seen = CASE WHEN row.last_seen > sent.last_seen
                              THEN row.last_seen ELSE sent.last_seen END;
