"""What is known of each community, gathered from what its members share and from the findings."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from detection.communities import Community
from detection.shared import Ints, Shared, TieKind
from graph.kinds import Role, identifier_kinds
from graph.model import Finding, RingIdentifier


@dataclass(frozen=True, slots=True)
class SharedValue:
    """An identifier that at least two members use; the columns belong together."""

    key: str
    kind: str
    account_ids: tuple[str, ...]
    #: milliseconds
    first_seen: tuple[int, ...]
    last_seen: tuple[int, ...]

    @property
    def connects(self) -> bool:
        """Whether sharing it links two accounts by itself."""
        return identifier_kinds()[self.kind].role is Role.CONNECTS


@dataclass(frozen=True, slots=True)
class Tie:
    """A direct tie between two members."""

    kind: TieKind
    source: str
    target: str
    last_seen: int


@dataclass(frozen=True, slots=True)
class RingEvidence:
    """What is known of one community before it is scored."""

    #: sorted
    account_ids: tuple[str, ...]
    #: those that most members use first
    identifiers: tuple[SharedValue, ...] = ()
    ties: tuple[Tie, ...] = ()
    #: findings about at least one member
    findings: tuple[Finding, ...] = ()
    #: when a ring that somebody confirmed was last seen by then, for one that nothing else is left
    #: of; milliseconds
    confirmed_at: int = 0

    @property
    def first_seen(self) -> int:
        """When the first of the evidence began, milliseconds."""
        values = [min(each.first_seen) for each in self.identifiers]
        return min(values + [tie.last_seen for tie in self.ties], default=self.confirmed_at)

    @property
    def last_seen(self) -> int:
        """When the last of the evidence happened, milliseconds."""
        values = [max(each.last_seen) for each in self.identifiers]
        return max(values + [tie.last_seen for tie in self.ties], default=self.confirmed_at)

    @property
    def ring_identifiers(self) -> tuple[RingIdentifier, ...]:
        """The identifiers as a ring names them."""
        return tuple(RingIdentifier(i.kind, i.key, len(i.account_ids)) for i in self.identifiers)


def gather(
    communities: list[Community], shared: Shared, findings: list[Finding]
) -> list[RingEvidence]:
    """Evidence for each community, in the same order."""
    home = np.full(len(shared.account_ids), -1, np.int32)
    for number, community in enumerate(communities):
        home[community.members] = number
    values: dict[int, list[SharedValue]] = defaultdict(list)
    for number, value in _values(shared, home):
        values[number].append(value)
    ties: dict[int, list[Tie]] = defaultdict(list)
    confirmed: dict[int, int] = defaultdict(int)
    for number, tie in _ties(shared, home):
        if tie.kind is TieKind.MUST_LINK:
            confirmed[number] = max(confirmed[number], tie.last_seen)
        elif tie.kind is not TieKind.CANNOT_LINK:
            ties[number].append(tie)
    of = {a: n for n, community in enumerate(communities) for a in community.account_ids}
    hits: dict[int, list[Finding]] = defaultdict(list)
    for finding in findings:
        for number in {of[a] for a in finding.account_ids if a in of}:
            hits[number].append(finding)
    return [
        RingEvidence(
            community.account_ids,
            tuple(sorted(values[number], key=lambda value: (-len(value.account_ids), value.key))),
            tuple(ties[number]),
            tuple(hits[number]),
            confirmed[number],
        )
        for number, community in enumerate(communities)
    ]


def _values(shared: Shared, home: Ints) -> Iterator[tuple[int, SharedValue]]:
    """Each community with each identifier that two or more of its members use."""
    community = home[shared.account]
    rows = np.flatnonzero(community >= 0)
    identifier = shared.identifier[rows]
    order = np.lexsort((identifier, community[rows]))
    rows, identifier = rows[order], identifier[order]
    changes = (np.diff(identifier) != 0) | (np.diff(community[rows]) != 0)
    for part in np.split(rows, np.flatnonzero(changes) + 1):
        if part.size >= 2:
            number = int(np.searchsorted(shared.starts, part[0], side="right")) - 1
            names = tuple(shared.account_ids[n] for n in shared.account[part].tolist())
            yield (
                int(community[part[0]]),
                SharedValue(
                    shared.keys[number],
                    shared.kinds[number],
                    names,
                    tuple(shared.first_seen[part].tolist()),
                    tuple(shared.last_seen[part].tolist()),
                ),
            )


def _ties(shared: Shared, home: Ints) -> Iterator[tuple[int, Tie]]:
    ties = shared.ties
    inside = np.flatnonzero((home[ties.source] >= 0) & (home[ties.source] == home[ties.target]))
    for row in inside.tolist():
        source, target = int(ties.source[row]), int(ties.target[row])
        tie = Tie(
            TieKind(int(ties.kind[row])),
            shared.account_ids[source],
            shared.account_ids[target],
            int(ties.last_seen[row]),
        )
        yield int(home[source]), tie
