// Takes back which accounts belong together by dispositions on a ring, or on those it took over.
//
// Access: write
// Parameters:
//   $ring_id  string  the ring
// Returns: id
// Browser: :params {ring_id: ""}
MATCH (ring:Ring {id: $ring_id})<-[:MERGED_INTO*0..]-(former:Ring)
MATCH (one:Account)-[link:MUST_LINK]->(other:Account)
WHERE link.ring_id = former.id
DELETE link
WITH collect(one.id) + collect(other.id) AS ids
UNWIND ids AS id
RETURN DISTINCT id
ORDER BY id;
