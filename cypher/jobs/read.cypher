// The jobs of a running service, and how each went last.
//
// Access: read
// Returns: name, due_by, succeeded_at, took_ms, failed_at, failure, basis
MATCH (job:Job)
RETURN job.name AS name, job.due_by AS due_by, job.succeeded_at AS succeeded_at,
       job.took_ms AS took_ms, job.failed_at AS failed_at, job.failure AS failure,
       job.basis AS basis
ORDER BY name;
