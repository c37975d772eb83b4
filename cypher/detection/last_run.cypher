// The last finished detection run.
//
// Access: read
// Returns: number
MATCH (run:DetectionRun)
RETURN coalesce(max(run.number), 0) AS number;
