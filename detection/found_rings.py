"""How many true rings were found, how much of them, and how much of what is reported is noise."""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from graph.model import RiskLevel

#: Jaccard similarities, in percent, from which a ring counts as found
FOUND = (50, 80)
#: largest size of each band; above the last it is one more band
_BANDS = (2, 5, 10, 20, 40)
#: what stands before the last hyphen of a ring id that begins with its kind; no UUID does
_KIND = re.compile(r"([A-Za-z][A-Za-z0-9_]*|[A-Za-z][A-Za-z_-]*)-[^-]+")
_ONE_KIND = "all"
#: of a two-sided interval of 95 %
_Z = 1.959964


@dataclass(frozen=True, slots=True)
class FoundRing:
    """An open ring; members are account numbers of the truth."""

    level: RiskLevel
    members: frozenset[int]
    #: risk score, 0 to 100
    score: int


class Match(NamedTuple):
    """A true ring, the found ring that answers for it, and their Jaccard similarity."""

    true: int
    found: int
    jaccard: float


@dataclass(frozen=True, slots=True)
class Group:
    """Some true rings, and how many of them were found."""

    name: str
    rings: int
    #: percent of FOUND to the share found, by rings of any level
    found: dict[int, float | None]
    #: the same by rings of level high and critical
    found_high: dict[int, float | None]

    def flat(self, suffix: str) -> dict[str, int | float | None]:
        """Its figures by name."""
        figures: dict[str, int | float | None] = {f"true_rings{suffix}": self.rings}
        figures |= {f"found_{percent}{suffix}": share for percent, share in self.found.items()}
        return figures | {
            f"found_{percent}_high{suffix}": share for percent, share in self.found_high.items()
        }


@dataclass(frozen=True, slots=True)
class RingReport:
    """Figures of rings; without rings in the truth there are those of members and noise only."""

    #: all, and by kind and size; None and empty when the truth names no rings
    whole: Group | None
    kinds: list[Group]
    sizes: list[Group]
    #: name to figure: precision and recall of members, rings reported, noise
    others: dict[str, int | float | None]

    @property
    def worst_kind(self) -> Group | None:
        """The kind that was found least; None when there is one kind only."""
        if len(self.kinds) < 2:
            return None
        return min(self.kinds, key=lambda g: (*((g.found[p] or 0.0) for p in FOUND), g.name))

    def flat(self) -> dict[str, int | float | str | None]:
        """One name to each figure."""
        figures: dict[str, int | float | str | None] = dict(self.others)
        if self.whole is None:
            return figures
        figures |= self.whole.flat("")
        for groups, prefix in ((self.kinds, "_kind_"), (self.sizes, "_size_")):
            for group in groups:
                figures |= group.flat(prefix + group.name)
        worst = self.worst_kind
        figures["worst_kind"] = worst.name if worst else None
        figures["worst_kind_found_50"] = worst.found[50] if worst else None
        return figures


def ring_report(
    is_member: NDArray[np.bool_],
    true: Mapping[str, frozenset[int]] | None,
    found: Sequence[FoundRing],
) -> RingReport:
    """Compare rings; `is_member` says of each account whether the truth labels it 1."""
    found = [ring for ring in found if ring.members]
    high = [ring for ring in found if ring.level.rank >= RiskLevel.HIGH.rank]
    others = _reported(found) | _noise(is_member, high) | _members(is_member, found)
    if true is None:
        return RingReport(None, [], [], others)
    names = list(true)
    rings = [true[name] for name in names]
    matches = match_rings(rings, [ring.members for ring in found])
    others |= _matched_members(rings, found, matches)
    best, best_high = _best(matches), _best(match_rings(rings, [ring.members for ring in high]))

    def group(name: str, numbers: Iterable[int]) -> Group:
        chosen = list(numbers)
        return Group(name, len(chosen), _shares(best, chosen), _shares(best_high, chosen))

    kinds = _split(kinds_of(names))
    sizes = _split([size_band(len(ring)) for ring in rings])
    order = [size_band(size + 1) for size in (0, *_BANDS)]
    return RingReport(
        whole=group("all", range(len(rings))),
        kinds=[group(kind, kinds[kind]) for kind in sorted(kinds)],
        sizes=[group(band, sizes[band]) for band in order if band in sizes],
        others=others,
    )


def match_rings(true: Sequence[frozenset[int]], found: Sequence[frozenset[int]]) -> list[Match]:
    """Pair rings one to one, the most similar first; among equals the first of each sequence."""
    holders: dict[int, list[int]] = defaultdict(list)
    for number, members in enumerate(found):
        for account in members:
            holders[account].append(number)
    pairs = []
    for number, members in enumerate(true):
        common = Counter(holder for account in members for holder in holders.get(account, ()))
        for holder, count in common.items():
            jaccard = count / (len(members) + len(found[holder]) - count)
            pairs.append(Match(number, holder, jaccard))
    pairs.sort(key=lambda pair: (-pair.jaccard, pair.true, pair.found))
    matches: list[Match] = []
    taken_true: set[int] = set()
    taken_found: set[int] = set()
    for pair in pairs:
        if pair.true not in taken_true and pair.found not in taken_found:
            matches.append(pair)
            taken_true.add(pair.true)
            taken_found.add(pair.found)
    return matches


def kinds_of(ring_ids: Sequence[str]) -> list[str]:
    """What stands before each id's last hyphen, when all ids look so; otherwise one for all."""
    found = [_KIND.fullmatch(ring_id) for ring_id in ring_ids]
    kinds = [match[1] for match in found if match]
    return kinds if len(kinds) == len(ring_ids) else [_ONE_KIND] * len(ring_ids)


def size_band(size: int) -> str:
    """The band of a true ring's size: 1_2, 3_5, 6_10, 11_20, 21_40 or over_40."""
    smallest = 1
    for largest in _BANDS:
        if size <= largest:
            return f"{smallest}_{largest}"
        smallest = largest + 1
    return f"over_{_BANDS[-1]}"


def wilson(hits: int, count: int) -> tuple[float, float] | None:
    """The Wilson score interval of 95 % of a share; None without a count."""
    if not count:
        return None
    share, square = hits / count, _Z * _Z / count
    middle = (share + square / 2) / (1 + square)
    half = math.sqrt(share * (1 - share) * square + square * square / 4) / (1 + square)
    # exact ends: rounding would leave them beside 0 and 1
    lower = max(0.0, middle - half) if hits else 0.0
    return lower, min(1.0, middle + half) if hits < count else 1.0


def ratio(part: int, whole: int) -> float | None:
    """A share, or None when there is nothing to divide by."""
    return part / whole if whole else None


def _best(matches: list[Match]) -> dict[int, float]:
    return {match.true: match.jaccard for match in matches}


def _shares(best: dict[int, float], rings: list[int]) -> dict[int, float | None]:
    return {
        percent: ratio(sum(100 * best.get(ring, 0.0) >= percent for ring in rings), len(rings))
        for percent in FOUND
    }


def _split(names: list[str]) -> dict[str, list[int]]:
    groups: dict[str, list[int]] = defaultdict(list)
    for number, name in enumerate(names):
        groups[name].append(number)
    return groups


def _reported(found: list[FoundRing]) -> dict[str, int | float | None]:
    levels = Counter(ring.level for ring in found)
    return {"rings": len(found), **{f"rings_{level.value}": levels[level] for level in RiskLevel}}


def is_benign(is_member: NDArray[np.bool_], ring: FoundRing) -> bool:
    """Whether fewer than half the members are labelled 1: it is no ring."""
    return 2 * _labelled(is_member, ring.members) < len(ring.members)


def benign_scores(is_member: NDArray[np.bool_], found: Iterable[FoundRing]) -> list[int]:
    """Risk scores of the benign ones among rings that hold somebody whom the truth names."""
    return [ring.score for ring in found if ring.members and is_benign(is_member, ring)]


def _noise(is_member: NDArray[np.bool_], high: list[FoundRing]) -> dict[str, int | float | None]:
    """Benign ones among the rings of level high and critical."""
    noisy = sum(is_benign(is_member, ring) for ring in high)
    lower, upper = wilson(noisy, len(high)) or (None, None)
    return {
        "noise_high": ratio(noisy, len(high)),
        "noise_high_lower": lower,
        "noise_high_upper": upper,
    }


def _members(is_member: NDArray[np.bool_], found: list[FoundRing]) -> dict[str, int | float | None]:
    """Of all accounts in found rings, and of all that are labelled 1."""
    inside: set[int] = set().union(*(ring.members for ring in found))
    hits = _labelled(is_member, inside)
    return {
        "member_precision": ratio(hits, len(inside)),
        "member_recall": ratio(hits, int(is_member.sum())),
    }


def _matched_members(
    true: list[frozenset[int]], found: list[FoundRing], matches: list[Match]
) -> dict[str, int | float | None]:
    """Of the members of rings that were found at the lowest similarity of FOUND."""
    pairs = [(true[m.true], found[m.found].members) for m in matches if 100 * m.jaccard >= FOUND[0]]
    hits = sum(len(real & seen) for real, seen in pairs)
    return {
        "matched_rings": len(pairs),
        "matched_member_precision": ratio(hits, sum(len(seen) for _, seen in pairs)),
        "matched_member_recall": ratio(hits, sum(len(real) for real, _ in pairs)),
    }


def _labelled(is_member: NDArray[np.bool_], accounts: Iterable[int]) -> int:
    return int(is_member[list(accounts)].sum())
