// What ingest touched since the last run; a run deletes exactly the notes it read.
//
// Access: read
// Returns: id, account_ids
MATCH (touched:Touched)
RETURN touched.id AS id, touched.account_ids AS account_ids
ORDER BY id;
