"""The words of Ringtrace as types: what the stores hold and what the stages hand on.

Times are integer milliseconds since 1970 UTC, money is integer millionths of its currency.
"""

from dataclasses import dataclass, field
from enum import StrEnum

#: sums of money stop here: beyond 64 bits the graph would refuse them for ever
MAX_MICROS = 4 * 10**18
#: ISO 4217's code for "no currency"
NO_CURRENCY = "XXX"


class RiskLevel(StrEnum):
    """Band of a ring's risk score, lowest first."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """Position in the order low < medium < high < critical."""
        return list(RiskLevel).index(self)


class RingStatus(StrEnum):
    """Where a ring stands in its life."""

    OPEN = "open"
    LAPSED = "lapsed"
    MERGED = "merged"


class ChangeKind(StrEnum):
    """What a detection run did to a ring."""

    BORN = "born"
    GREW = "grew"
    SHRANK = "shrank"
    #: some joined and some left
    CHANGED = "changed"
    RESCORED = "rescored"
    #: took others over, which may have brought accounts along
    ABSORBED = "absorbed"
    #: others came out of it, which may have taken accounts along
    SPLIT = "split"
    #: was taken over
    MERGED = "merged"
    LAPSED = "lapsed"


@dataclass(frozen=True, slots=True)
class Finding:
    """One hit of one rule: these accounts, this identifier, that evidence."""

    #: file name of the rule in cypher/rules or detection/sequences
    rule: str
    #: identifier key the hit is about; empty when it is about accounts only
    identifier_key: str
    #: accounts among those asked about, sorted
    account_ids: tuple[str, ...]
    #: accounts in all, which may be more than were asked about (a hub)
    account_count: int
    #: when the last part of the evidence happened
    at: int
    #: one sentence for people
    detail: str


@dataclass(frozen=True, slots=True)
class Reason:
    """A part of a ring's risk score; the points of all reasons add up to the score."""

    code: str
    text: str
    #: positive raises the risk, negative is an innocent reading
    points: int
    #: node ids (`account:…` or identifier keys) that show it, sorted
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RingIdentifier:
    """An identifier that holds a ring together."""

    kind: str
    key: str
    #: members of the ring that used it
    account_count: int


@dataclass(frozen=True, slots=True)
class Ring:
    """A community with evidence and an id that outlives the run that found it."""

    ring_id: str
    status: RingStatus
    risk_score: int
    risk_level: RiskLevel
    account_ids: tuple[str, ...]
    identifiers: tuple[RingIdentifier, ...]
    reasons: tuple[Reason, ...]
    first_seen: int
    last_seen: int
    #: rings this one was split from
    parents: tuple[str, ...] = ()
    #: the best innocent explanation and what speaks against it, in one sentence
    innocent_reading: str = ""
    #: the fewest node ids without whose links it would not reach the level high; empty when none do
    fewest_links: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """Number of member accounts."""
        return len(self.account_ids)


@dataclass(frozen=True, slots=True)
class RingChange:
    """One thing that a run did to a ring; a run may do two, and in order they add up."""

    ring_id: str
    kind: ChangeKind
    joined: tuple[str, ...]
    left: tuple[str, ...]
    #: None before the ring was born
    score_before: int | None
    #: None when it ended
    score_after: int | None
    level_before: RiskLevel | None
    level_after: RiskLevel | None
    #: born: rings it came out of, absorbed: those taken over, split: those that came out of it,
    #: merged: the one that took it over
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Alert:
    """A machine-made record that a ring reached a level worth telling somebody."""

    alert_id: str
    ring_id: str
    at: int
    risk_score: int
    risk_level: RiskLevel
    #: counts the alerts of this ring from 1
    sequence: int
    detector_version: str
    #: how seldom a benign ring scores so high, in words
    calibration: str


@dataclass(frozen=True, slots=True)
class Flag:
    """A finding as seen from one account."""

    rule: str
    at: int
    detail: str


@dataclass(frozen=True, slots=True)
class AccountSummary:
    """What is known of one account."""

    account_id: str
    #: 0 to 100, high is unusual; None before the first full detection
    anomaly_score: int | None
    #: highest risk score of the open rings it is in
    risk_score: int | None
    ring_ids: tuple[str, ...]
    flags: tuple[Flag, ...]
    first_seen: int | None
    last_seen: int | None
    event_count: int
    #: features that drove the anomaly score, in words
    anomaly_reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class GraphNode:
    """A node of a picture."""

    #: `account:<account id>` or the identifier's key `<kind>:<value>`
    id: str
    #: `account` or an identifier kind
    kind: str
    label: str
    #: accounts on an identifier; neighbours of an account
    degree: int
    #: too many accounts to mean anything: shown with its count, never walked through
    is_hub: bool = False
    #: member of the ring the picture is about
    is_member: bool = False
    risk_score: int | None = None
    risk_level: RiskLevel | None = None
    anomaly_score: int | None = None
    ring_ids: tuple[str, ...] = ()
    first_seen: int | None = None
    last_seen: int | None = None
    event_count: int | None = None
    #: neighbours that are not in the picture, by kind
    hidden: dict[str, int] = field(default_factory=dict)


#: relationships that were concluded from what accounts did, by their names in a picture
CONCLUDED = {"COACTED": "acted in step", "BEGAN_WITH": "began together"}


@dataclass(frozen=True, slots=True)
class GraphLink:
    """A relationship of a picture."""

    #: stable: `<type>|<source>|<target>` and the currency of a transfer
    id: str
    #: node ids
    source: str
    target: str
    #: USED, TRANSFERRED, REFERRED, COACTED or BEGAN_WITH
    type: str
    event_count: int
    first_seen: int
    last_seen: int
    amount_micros: int | None = None
    currency: str | None = None


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """A part of the graph around something, small enough to draw."""

    #: node id or ring id it is about
    about: str
    nodes: tuple[GraphNode, ...]
    links: tuple[GraphLink, ...]
    #: nodes there are in all, drawn or not
    total_nodes: int

    @property
    def is_cut(self) -> bool:
        """Whether something was left out of the picture."""
        return self.total_nodes > len(self.nodes)
