// Takes the write lock on the positions of a batch, then says where they stand.
//
// Setting the owner first is the point: comparing before locking let two writers both commit.
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
