// Moves the positions on and leaves a note of what the batch touched for the next detection.
//
// Access: write
// Parameters:
//   $rows  list  {topic_id, partition, next_offset, latest_at, account_ids}
// Returns: nothing
// Browser: :params {rows: []}
UNWIND $rows AS row
MATCH (position:Position {topic_id: row.topic_id, partition: row.partition})
SET position.next_offset = row.next_offset,
    position.latest_at = CASE WHEN row.latest_at > coalesce(position.latest_at, 0)
                         THEN row.latest_at ELSE coalesce(position.latest_at, 0) END
WITH row
WHERE size(row.account_ids) > 0
CREATE (:Touched {
  topic_id: row.topic_id, partition: row.partition, next_offset: row.next_offset,
  account_ids: row.account_ids
});
