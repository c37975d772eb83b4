// Messages that must leave the house, written with what causes them.
//
// Access: write
// Parameters:
//   $rows  list  {id, event_type, body, due_at}
// Returns: nothing
// Browser: :params {rows: []}
UNWIND $rows AS row
MERGE (delivery:Delivery {id: row.id})
ON CREATE SET delivery.event_type = row.event_type, delivery.body = row.body,
              delivery.state = 'waiting', delivery.attempts = 0, delivery.due_at = row.due_at;
