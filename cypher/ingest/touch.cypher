// Leaves a note of the accounts that changed, for the next detection, and of the time of events.
//
// Access: write
// Parameters:
//   $id           string        name of the note
//   $account_ids  list<string>  the accounts
//   $partitions   list          {topic_id, partition} where they came from
//   $latest_at    int           greatest accepted time, milliseconds since 1970
// Returns: nothing
// Browser: :params {id: "note", account_ids: [], partitions: [], latest_at: 0}
CREATE (:Touched {id: $id, account_ids: $account_ids})
WITH $partitions AS partitions
UNWIND partitions AS row
MATCH (position:Position {topic_id: row.topic_id, partition: row.partition})
SET position.latest_at = CASE WHEN $latest_at > coalesce(position.latest_at, 0)
                         THEN $latest_at ELSE coalesce(position.latest_at, 0) END;
