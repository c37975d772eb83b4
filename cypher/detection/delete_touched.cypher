// The notes a run has dealt with.
//
// Access: write
// Parameters:
//   $rows  list  {topic_id, partition, next_offset}
// Returns: nothing
// Browser: :params {rows: []}
UNWIND $rows AS row
MATCH (touched:Touched {
  topic_id: row.topic_id, partition: row.partition, next_offset: row.next_offset
})
DELETE touched;
