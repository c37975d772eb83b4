// A job failed, and why.
//
// Access: write
// Parameters:
//   $job   string  its name
//   $at    int     milliseconds since 1970
//   $why   string  the kind of error
// Returns: nothing
// Browser: :params {job: "runs", at: 0, why: "x"}
MERGE (job:Job {name: $job})
SET job.failed_at = $at, job.failure = $why;
