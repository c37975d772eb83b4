// How far the graph is in each partition of a topic, of earlier topics of that name too.
//
// Access: read
// Parameters:
//   $topic  string  topic name
// Returns: topic_id, partition, next_offset
// Browser: :params {topic: "ringtrace.events"}
MATCH (position:Position {topic: $topic})
RETURN position.topic_id AS topic_id, position.partition AS partition,
       position.next_offset AS next_offset
ORDER BY topic_id, partition;
