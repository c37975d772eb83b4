"""A ring's risk score: points by reason that add up to it."""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from detection.rules import rules
from detection.settings import DetectionSettings
from graph.model import Finding, Reason, RiskLevel

MAX_SCORE = 100
#: most points for being large: of groups of 3 one in ten was a ring, of 13 to 40 nineteen in twenty
SIZE_POINTS = 15
#: most points for members tied in by several identifiers
TIES_POINTS = 15
_DAY_MS = 24 * 3600 * 1000


@dataclass(frozen=True, slots=True)
class RingEvidence:
    """What is known of one community before it is scored."""

    account_ids: tuple[str, ...]
    #: identifier key to the members that used it, at least two
    identifiers: dict[str, tuple[str, ...]]
    first_seen: int
    last_seen: int
    #: findings about at least one member
    findings: Sequence[Finding]


def score(evidence: RingEvidence) -> tuple[Reason, ...]:
    """Reasons whose points add up to a score of 0 to 100, strongest first.

    A rule gives its full points when it covers every member. Innocent readings subtract, but never
    below 0; when more than 100 come together all positive reasons shrink alike.
    """
    positive = [r for r in (*_rule_reasons(evidence), _size(evidence), _ties(evidence)) if r.points]
    positive = _shrink(positive)
    room = sum(reason.points for reason in positive)
    mitigating = []
    for reason in _innocent_readings(evidence):
        points = max(reason.points, -room)
        room += points
        if points:
            mitigating.append(Reason(reason.code, reason.text, points, reason.evidence))
    return tuple(sorted((*positive, *mitigating), key=lambda r: (-r.points, r.code)))


def risk_level(points: int, settings: DetectionSettings) -> RiskLevel:
    """The band a score falls in."""
    if points >= settings.critical_score:
        return RiskLevel.CRITICAL
    if points >= settings.high_score:
        return RiskLevel.HIGH
    return RiskLevel.MEDIUM if points >= settings.medium_score else RiskLevel.LOW


def _rule_reasons(evidence: RingEvidence) -> list[Reason]:
    members = set(evidence.account_ids)
    hits: dict[str, list[Finding]] = defaultdict(list)
    for finding in evidence.findings:
        # a hit that reaches into the ring with one account only says nothing about the ring
        if len(members.intersection(finding.account_ids)) >= 2:
            hits[finding.rule].append(finding)
    return [_rule_reason(rule, hits[rule], members) for rule in sorted(hits)]


def _rule_reason(rule: str, hits: list[Finding], members: set[str]) -> Reason:
    covered = members.intersection(*[{a for hit in hits for a in hit.account_ids}])
    points = round(rules()[rule].points * len(covered) / len(members))
    first = max(hits, key=lambda hit: (len(members.intersection(hit.account_ids)), hit.detail))
    more = f", and {len(hits) - 1} more like it" if len(hits) > 1 else ""
    text = f"{len(covered)} of {len(members)} members: {first.detail}{more}"
    keys = {hit.identifier_key for hit in hits if hit.identifier_key}
    shown = sorted(keys | {f"account:{account_id}" for account_id in covered})
    return Reason(rule, text, points, tuple(shown))


def _size(evidence: RingEvidence) -> Reason:
    size = len(evidence.account_ids)
    points = round(SIZE_POINTS * (1 - math.exp(-(size - 2) / 8)))
    return Reason("size", f"{size} accounts hang together", points)


def _ties(evidence: RingEvidence) -> Reason:
    ties: dict[str, int] = defaultdict(int)
    for members in evidence.identifiers.values():
        for account_id in members:
            ties[account_id] += 1
    several = sorted(account_id for account_id, count in ties.items() if count >= 2)
    points = round(TIES_POINTS * len(several) / len(evidence.account_ids))
    text = f"{len(several)} of {len(evidence.account_ids)} members share two or more identifiers"
    return Reason("several_ties", text, points, tuple(f"account:{a}" for a in several))


def _innocent_readings(evidence: RingEvidence) -> list[Reason]:
    keys = tuple(sorted(evidence.identifiers))
    size, span_days = (
        len(evidence.account_ids),
        (evidence.last_seen - evidence.first_seen) // _DAY_MS,
    )
    readings = []
    if len(keys) == 1:
        text = "one shared identifier only: a resold device or a family card would look the same"
        readings.append(Reason("single_identifier", text, -15, keys))
    if size <= 5 and span_days >= 90:
        text = f"{size} accounts that shared over {span_days} days: a household would look the same"
        readings.append(Reason("household", text, -10, keys))
    return readings


def _shrink(reasons: list[Reason]) -> list[Reason]:
    total = sum(reason.points for reason in reasons)
    if total <= MAX_SCORE:
        return reasons
    exact = [reason.points * MAX_SCORE / total for reason in reasons]
    points = [math.floor(value) for value in exact]
    # largest remainders get the points that rounding down left over
    order = sorted(range(len(exact)), key=lambda n: (points[n] - exact[n], n))
    for number in order[: MAX_SCORE - sum(points)]:
        points[number] += 1
    return [Reason(r.code, r.text, p, r.evidence) for r, p in zip(reasons, points, strict=True)]
