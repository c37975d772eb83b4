// What the account detector that learns has learnt from dispositions.
//
// Access: read
// Returns: features, weights, intercept, until
MATCH (learner:Learner {name: 'accounts'})
RETURN learner.features AS features, learner.weights AS weights, learner.intercept AS intercept,
       learner.until AS until;
