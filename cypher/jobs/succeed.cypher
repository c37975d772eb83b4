// A job went well; by when it must do so again.
//
// Access: write
// Parameters:
//   $job           string  its name
//   $at            int     when it ended, milliseconds since 1970
//   $milliseconds  int     how long it took
//   $due_by        int     milliseconds since 1970
// Returns: nothing
// Browser: :params {job: "runs", at: 0, milliseconds: 0, due_by: 0}
MERGE (job:Job {name: $job})
SET job.succeeded_at = $at, job.took_ms = $milliseconds, job.due_by = $due_by;
