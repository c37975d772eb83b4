"""What is known of each community, gathered from the projection and the findings."""

from bisect import insort
from collections import defaultdict
from dataclasses import dataclass

from detection.projection import Projection, SharedIdentifier
from detection.risk import RingEvidence, risk_level, score
from detection.settings import DetectionSettings
from graph.model import Finding, Ring, RingIdentifier, RingStatus


@dataclass(frozen=True, slots=True)
class CommunityEvidence:
    """One community with all that speaks for and against it."""

    evidence: RingEvidence
    identifiers: tuple[RingIdentifier, ...]

    @property
    def first_seen(self) -> int:
        """When its members first used what they share."""
        return self.evidence.first_seen

    def as_ring(self, ring_id: str, parents: tuple[str, ...], settings: DetectionSettings) -> Ring:
        """The community as an open ring with its score."""
        reasons = score(self.evidence)
        points = sum(reason.points for reason in reasons)
        return Ring(
            ring_id,
            RingStatus.OPEN,
            points,
            risk_level(points, settings),
            self.evidence.account_ids,
            self.identifiers,
            reasons,
            self.evidence.first_seen,
            self.evidence.last_seen,
            parents,
        )


def build_rings(
    communities: list[dict[str, int]], projection: Projection, findings: list[Finding]
) -> list[CommunityEvidence]:
    """Evidence for each community, in the same order."""
    home = {a: number for number, members in enumerate(communities) for a in members}
    shared = _by_community(projection, home)
    hits: dict[int, list[Finding]] = defaultdict(list)
    for finding in findings:
        for number in sorted({home[a] for a in finding.account_ids if a in home}):
            hits[number].append(finding)
    return [
        _gather(tuple(sorted(members)), shared[number], hits[number])
        for number, members in enumerate(communities)
    ]


_Use = tuple[str, int, int]


def _by_community(
    projection: Projection, home: dict[str, int]
) -> dict[int, list[tuple[SharedIdentifier, list[_Use]]]]:
    """For each community the identifiers at least two members used, with those uses."""
    result: dict[int, list[tuple[SharedIdentifier, list[_Use]]]] = defaultdict(list)
    for identifier in projection.identifiers:
        uses: dict[int, list[_Use]] = defaultdict(list)
        for number, first, last in zip(
            identifier.accounts, identifier.first_seen, identifier.last_seen, strict=True
        ):
            account_id = projection.account_ids[number]
            if account_id in home:
                insort(uses[home[account_id]], (account_id, first, last))
        for community, members in uses.items():
            if len(members) >= 2:
                result[community].append((identifier, members))
    return result


def _gather(
    account_ids: tuple[str, ...],
    shared: list[tuple[SharedIdentifier, list[_Use]]],
    findings: list[Finding],
) -> CommunityEvidence:
    uses = [use for _, members in shared for use in members]
    evidence = RingEvidence(
        account_ids,
        {identifier.key: tuple(use[0] for use in members) for identifier, members in shared},
        min(first for _, first, _ in uses),
        max(last for _, _, last in uses),
        findings,
    )
    identifiers = tuple(
        RingIdentifier(identifier.kind, identifier.key, len(members))
        for identifier, members in sorted(shared, key=lambda s: (-len(s[1]), s[0].key))
    )
    return CommunityEvidence(evidence, identifiers)
