// How many messages wait to be delivered, and how many were given up.
//
// Access: read
// Returns: state, count
UNWIND ['failed', 'waiting'] AS state
CALL (state) {
  MATCH (delivery:Delivery {state: state})
  // named for the index
  WHERE delivery.due_at IS NOT NULL
  RETURN count(delivery) AS count
}
RETURN state, count
ORDER BY state;
