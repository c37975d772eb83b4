// What ingest touched since the last run; a run deletes exactly the notes it read.
//
// Access: read
// Returns: topic_id, partition, next_offset, account_ids
MATCH (touched:Touched)
RETURN touched.topic_id AS topic_id, touched.partition AS partition,
       touched.next_offset AS next_offset, touched.account_ids AS account_ids
ORDER BY topic_id, partition, next_offset;
