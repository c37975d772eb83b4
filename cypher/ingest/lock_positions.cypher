// Takes the write lock on the positions of a batch, then says where they stand and whose they are.
//
// Writing first is the point: comparing before locking let two writers both commit.
//
// Access: write
// Parameters:
//   $rows  list  {topic_id, partition}, sorted
// Returns: topic_id, partition, next_offset, owner
// Browser: :params {rows: []}
UNWIND $rows AS row
MATCH (position:Position {topic_id: row.topic_id, partition: row.partition})
SET position.locked = true
RETURN position.topic_id AS topic_id, position.partition AS partition,
       position.next_offset AS next_offset, position.owner AS owner;
