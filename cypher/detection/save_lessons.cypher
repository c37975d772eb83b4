// What the account detector that learns has learnt, unless another process learnt the same meanwhile.
//
// Access: write
// Parameters:
//   $features   list   names of the features
//   $weights    list   a weight for each
//   $intercept  float  log odds of who has none of them
//   $since      int    number of the disposition that was learnt last before
//   $until      int    number of the one that is learnt last now
// Returns: nothing
// Browser: :params {features: [], weights: [], intercept: 0.0, since: 0, until: 0}
MERGE (learner:Learner {name: 'accounts'})
WITH learner
WHERE coalesce(learner.until, 0) <= $since OR learner.features <> $features
SET learner.features = $features, learner.weights = $weights, learner.intercept = $intercept,
    learner.until = $until;
