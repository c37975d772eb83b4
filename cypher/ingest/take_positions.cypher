// Makes the caller the only writer of some partitions, and says where the graph stands in them.
//
// Whoever held them before fails at its next commit.
//
// Access: write
// Parameters:
//   $rows   list    {topic, topic_id, partition}, sorted
//   $owner  string  the writer
// Returns: topic_id, partition, next_offset
// Browser: :params {rows: [], owner: "me"}
UNWIND $rows AS row
MERGE (position:Position {topic_id: row.topic_id, partition: row.partition})
ON CREATE SET position.topic = row.topic, position.next_offset = 0
SET position.owner = $owner
RETURN position.topic_id AS topic_id, position.partition AS partition,
       position.next_offset AS next_offset;
