// The time of the graph: the greatest accepted occurred_at.
//
// Access: read
// Returns: now
MATCH (position:Position)
RETURN max(position.latest_at) AS now;
