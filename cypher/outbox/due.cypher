// Messages whose time has come, oldest first.
//
// Access: read
// Parameters:
//   $now    int  milliseconds since 1970
//   $limit  int  most messages to take
// Returns: id, event_type, body, attempts
// Browser: :params {now: 0, limit: 10}
MATCH (delivery:Delivery {state: 'waiting'})
WHERE delivery.due_at <= $now
RETURN delivery.id AS id, delivery.event_type AS event_type, delivery.body AS body,
       delivery.attempts AS attempts
ORDER BY delivery.due_at, id
LIMIT $limit;
