"""What speaks for a ring: the best innocent reading, and on how few links the case rests."""

from bisect import bisect_left
from collections.abc import Collection
from dataclasses import replace
from itertools import combinations

from detection.evidence import RingEvidence
from detection.risk import score
from detection.shared import TieKind
from graph.model import Reason

#: identifiers of which pairs are tried: with more, pairs among those that matter most
_TRIED = 8

_READINGS = {
    "payment_instrument": "a family or a small company may pay with one card",
    "device": "a family, a shop or a workplace may share a device",
    "email": "one person may keep several accounts under one e-mail address",
    "phone": "a family may give one telephone number",
}
_OF_TIES = {
    TieKind.COACTED: "people who follow the same things, or work one shift, act at the same times",
    TieKind.BEGAN_WITH: "friends who join together pay each other first",
    TieKind.REFERRED: "friends refer each other",
    TieKind.TRANSFERRED: "friends and families send each other money back and forth",
}


def innocent_reading(evidence: RingEvidence, reasons: tuple[Reason, ...]) -> str:
    """The best innocent explanation and what speaks against it most, in one sentence."""
    mitigating = [reason for reason in reasons if reason.points < 0]
    if mitigating:
        reading = min(mitigating, key=lambda reason: (reason.points, reason.code)).text
    else:
        reading = _usual_reading(evidence)
    against = [reason for reason in reasons if reason.points > 0]
    if not against:
        return f"{reading}; nothing speaks against it"
    worst = max(against, key=lambda reason: (reason.points, reason.code))
    return f"{reading}; against it: {worst.text}"


def fewest_links(evidence: RingEvidence, threshold: int) -> tuple[str, ...]:
    """The fewest identifiers (and `account:…` for its direct ties) without which it is no case.

    Without them the score is under `threshold`; empty when it is already, or when nothing that is
    shared carries it. One is tried out, and so are two of those that matter most. Of more, as many
    of those that alone lower the score most are taken away as it needs, and what turns out not to
    be needed is put back: none of them can be left out, but there may be a smaller set.
    """
    if _points(evidence) < threshold:
        return ()
    keys = sorted({v.key for v in evidence.identifiers} | _tied(evidence))
    alone = {key: _points(_without(evidence, {key})) for key in keys}
    keys.sort(key=lambda key: (alone[key], key))
    if keys and alone[keys[0]] < threshold:
        return (keys[0],)
    pairs = combinations(keys[:_TRIED], 2)
    points, best = min(((_points(_without(evidence, {*p})), p) for p in pairs), default=(0, ()))
    if points < threshold:
        return tuple(sorted(best))
    if not _is_under(evidence, keys, threshold):
        return ()
    # the last of `enough` is one of a number without which it is no case
    enough = bisect_left(
        range(len(keys)), True, lo=3, key=lambda n: _is_under(evidence, keys[:n], threshold)
    )
    taken, before = keys[:enough], len(keys) + 1
    # again while something is put back: without less of what speaks for the ring more may be
    while len(taken) < before:
        before = len(taken)
        for key in reversed(taken):
            rest = [other for other in taken if other != key]
            if _is_under(evidence, rest, threshold):
                taken = rest
    return tuple(sorted(taken))


def _usual_reading(evidence: RingEvidence) -> str:
    for value in evidence.identifiers:
        if value.kind in _READINGS:
            return _READINGS[value.kind]
    if evidence.identifiers:
        return "colleagues, neighbours and guests share an address or a network"
    kinds = {tie.kind for tie in evidence.ties}
    # by how much each weighs
    readings = (reading for kind, reading in _OF_TIES.items() if kind in kinds)
    return next(readings, "they may have nothing to do with each other")


def _points(evidence: RingEvidence) -> int:
    if len(evidence.account_ids) < 2:
        return 0
    return sum(reason.points for reason in score(evidence))


def _is_under(evidence: RingEvidence, keys: Collection[str], threshold: int) -> bool:
    return _points(_without(evidence, {*keys})) < threshold


def _tied(evidence: RingEvidence) -> set[str]:
    return {
        f"account:{account_id}" for tie in evidence.ties for account_id in (tie.source, tie.target)
    }


def _without(evidence: RingEvidence, keys: set[str]) -> RingEvidence:
    """The case as it were if nobody had used these identifiers, or been tied to these accounts."""
    identifiers = [value for value in evidence.identifiers if value.key not in keys]
    gone = {key.removeprefix("account:") for key in keys if key.startswith("account:")}
    ties = evidence.ties
    if gone:
        ties = tuple(tie for tie in ties if tie.source not in gone and tie.target not in gone)
    left = {a for value in identifiers for a in value.account_ids}
    left |= {a for tie in ties for a in (tie.source, tie.target)}
    findings = [
        finding
        for finding in evidence.findings
        if finding.identifier_key not in keys
        and (finding.identifier_key or gone.isdisjoint(finding.account_ids))
    ]
    return replace(
        evidence,
        account_ids=tuple(a for a in evidence.account_ids if a in left),
        identifiers=tuple(identifiers),
        ties=ties,
        findings=tuple(findings),
    )
