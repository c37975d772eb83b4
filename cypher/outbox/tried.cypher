// What became of a try to deliver.
//
// Access: write
// Parameters:
//   $id      string  the message
//   $state   string  waiting, delivered or failed
//   $due_at  int     when to try again
//   $answer  string  what the receiver said
// Returns: nothing
// Browser: :params {id: "", state: "waiting", due_at: 0, answer: ""}
MATCH (delivery:Delivery {id: $id})
SET delivery.state = $state, delivery.due_at = $due_at, delivery.answer = $answer,
    delivery.attempts = delivery.attempts + 1;
