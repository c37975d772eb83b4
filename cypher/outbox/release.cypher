// Messages that were held back go out now.
//
// Access: write
// Parameters:
//   $held  int  the time that they are due at while they are held
// Returns: nothing
// Browser: :params {held: 0}
MATCH (delivery:Delivery {state: 'waiting', due_at: $held})
SET delivery.due_at = 0;
