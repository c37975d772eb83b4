// By which settings a job went: another time is compared with it only if they are the same.
//
// Access: write
// Parameters:
//   $job    string  its name
//   $basis  string  what tells these settings from others
// Returns: nothing
// Browser: :params {job: "full_pass", basis: "x"}
MERGE (job:Job {name: $job})
SET job.basis = $basis;
