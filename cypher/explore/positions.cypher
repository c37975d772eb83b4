// How far the graph has counted each partition.
//
// Access: read
// Returns: topic, topic_id, partition, next_offset
MATCH (position:Position)
RETURN position.topic AS topic, position.topic_id AS topic_id, position.partition AS partition,
       position.next_offset AS next_offset
ORDER BY topic, topic_id, partition;
