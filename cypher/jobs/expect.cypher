// A job of a running service, and by when it must have gone well, unless that is known.
//
// A service that begins again and again must not put it off each time.
//
// Access: write
// Parameters:
//   $job     string  its name
//   $due_by  int     milliseconds since 1970
// Returns: nothing
// Browser: :params {job: "runs", due_by: 0}
MERGE (job:Job {name: $job})
SET job.due_by = coalesce(job.due_by, $due_by);
