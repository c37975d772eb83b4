// Counters of transfers that the graph has; how many it found.
//
// Access: write
// Parameters:
//   $rows  list  [payer, payee, currency, events to add, micros to add, first_seen, last_seen]
// Returns: transfers
// Browser: :params {rows: []}
UNWIND $rows AS row
MATCH (payer:Account {id: row[0]})
MATCH (payee:Account {id: row[1]})
MATCH (payer)-[sent:TRANSFERRED {currency: row[2]}]->(payee)
SET sent.event_count = sent.event_count + row[3],
    sent.amount_micros = CASE
      WHEN sent.amount_micros > 4000000000000000000 - row[4]
      THEN 4000000000000000000 ELSE sent.amount_micros + row[4] END,
    sent.first_seen = CASE WHEN row[5] < sent.first_seen THEN row[5] ELSE sent.first_seen END,
    sent.last_seen = CASE WHEN row[6] > sent.last_seen THEN row[6] ELSE sent.last_seen END
RETURN count(*) AS transfers;
