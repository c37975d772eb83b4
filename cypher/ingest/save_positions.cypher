// Moves the positions on to what has been counted.
//
// Access: write
// Parameters:
//   $rows  list  {topic_id, partition, next_offset}
// Returns: nothing
// Browser: :params {rows: []}
UNWIND $rows AS row
MATCH (position:Position {topic_id: row.topic_id, partition: row.partition})
SET position.next_offset = row.next_offset;
