"""New keys for old identifiers: every node keeps its place and its relationships, and is renamed.

It can be stopped at any moment, by force too, and run again: the graph remembers that it was begun,
to which version and for which kinds. What was not renamed yet is found by its old key, and the old
key of what was renamed follows from its value, so nothing else has to be remembered.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import pyarrow as pa

from graph.errors import PrivacyError
from graph.key_mentions import mentioned_keys, rename_mentions
from graph.keyring import Keyring, add_version, load_keyring, promote
from graph.kinds import Privacy
from graph.pseudonyms import Pseudonyms
from graph.store import GraphStore, Row, Transaction
from graph.world_keys import read_world

#: identifiers in one transaction
_PAGE = 2_000
_MAPPING = pa.schema([("old", pa.string()), ("new", pa.string())])


@runtime_checkable
class KeyArchive(Protocol):
    """An archive whose rows hold keys of identifiers."""

    def rename_keys(self, mapping: pa.Table) -> Any:
        """Put `new` in the place of `old`, two columns of text, wherever `old` stands."""


@dataclass(frozen=True, slots=True)
class Rekeyed:
    """What a change of keys did."""

    version: int
    #: kind to identifiers that were renamed, in this run or in one that was stopped before
    renamed: dict[str, int]
    #: kinds that stay with an older version, since not all their values are known
    held: dict[str, int]


@dataclass(frozen=True, slots=True)
class _Change:
    """From which keys to which, and for which kinds."""

    target: int
    #: kinds that get new tokens
    kinds: list[str]
    #: kind to the version its tokens had before
    before: dict[str, int]
    #: makes tokens of any version, and seals with the target's key
    pseudonyms: Pseudonyms

    @property
    def held(self) -> dict[str, int]:
        """Kinds that stay with the version they have."""
        return {kind: n for kind, n in self.before.items() if kind not in self.kinds}


def rekey(
    store: GraphStore,
    path: Path,
    privacy: Mapping[str, str],
    now: int,
    archive: KeyArchive | None = None,
    report: Callable[[int], None] = lambda _: None,
) -> Rekeyed:
    """Give every identifier whose value is sealed a token of the next version of the keys.

    `path` is the key file, `privacy` overrides kinds as in `Pseudonyms`, `now` in milliseconds;
    `report` hears how many identifiers each step renamed. Writers stop at their next transaction.
    Raises PrivacyError, before anything is changed, when a value cannot be read.
    """
    change = _resume(store, path, privacy) or _begin(store, path, privacy, now)
    for kind in change.kinds:
        _rename(store, change, kind, report)
    renamed = _rename_elsewhere(store, change, archive)
    keyring = promote(path, change.target, change.held)
    fingerprint, version = keyring.fingerprint_of(change.target), change.target
    store.write(lambda tx: tx.run("privacy/end_rekey", fingerprint=fingerprint, version=version))
    return Rekeyed(version, renamed, change.held)


def _resume(store: GraphStore, path: Path, privacy: Mapping[str, str]) -> _Change | None:
    world = read_world(store)
    target = world["rekeying_to"]
    if target is None:
        return None
    keyring = load_keyring(path)
    if target not in keyring.versions:
        raise PrivacyError(
            f"a change of keys to version {target} was begun, and {path} does not have it: restore "
            "the file it was begun with"
        )
    return _change(keyring, world, target, world["rekeying_kinds"], privacy)


def _begin(store: GraphStore, path: Path, privacy: Mapping[str, str], now: int) -> _Change:
    world = read_world(store)
    if world["fingerprint"] is None:
        raise PrivacyError("this graph has no tokens yet: there is nothing to change")
    # a foreign file is refused before a version is added to it
    _base_version(load_keyring(path), world)
    keyring = add_version(path, now)
    assert keyring.pending is not None
    draft = _change(keyring, world, keyring.pending, [], privacy)
    kinds = [kind for kind in draft.before if _can_be_read(store, draft, kind)]
    change = replace(draft, kinds=kinds)
    parameters = {"fingerprint": world["fingerprint"], "version": change.target, "kinds": kinds}
    begun = store.write(lambda tx: tx.run("privacy/begin_rekey", **parameters))
    if not begun[0]["has_begun"]:
        raise PrivacyError("somebody else began to change the keys of this graph: try again")
    return change


def _change(
    keyring: Keyring, world: Row, target: int, kinds: list[str], privacy: Mapping[str, str]
) -> _Change:
    base = _base_version(keyring, world)
    pseudonyms = Pseudonyms(replace(keyring, version=target, pending=None, held={}), privacy)
    before = {
        kind: keyring.held.get(kind, base)
        for kind, how in pseudonyms.privacy.items()
        if how is not Privacy.CLEAR
    }
    return _Change(target, kinds, before, pseudonyms)


def _base_version(keyring: Keyring, world: Row) -> int:
    for version in keyring.versions:
        if keyring.fingerprint_of(version) == world["fingerprint"]:
            return version
    raise PrivacyError(
        f"the key file {keyring.path} is not the one this graph was written with: restore it"
    )


def _can_be_read(store: GraphStore, change: _Change, kind: str) -> bool:
    """Whether a kind has seals and each opens; PrivacyError for one that does not.

    An identifier without a seal, from a time when its kind had none, holds the whole kind back: it
    cannot be renamed, and its value would get a second node under the new keys.
    """
    if change.pseudonyms.privacy[kind] is not Privacy.TOKEN_SEALED:
        return False
    for rows in _pages(store, kind, change.before[kind]):
        for row in rows:
            if row["sealed"] is None:
                return False
            change.pseudonyms.unseal(row["key"], row["sealed"])
    return True


def _rename(store: GraphStore, change: _Change, kind: str, report: Callable[[int], None]) -> None:
    pseudonyms = change.pseudonyms
    for rows in _pages(store, kind, change.before[kind]):
        renamed = []
        for row in rows:
            value = pseudonyms.unseal(row["key"], row["sealed"])
            key = pseudonyms.token(kind, value, change.target)
            renamed.append([row["key"], key, pseudonyms.seal_bytes(value.encode(), key.encode())])
        store.write(partial(_save, renamed))
        report(len(renamed))


def _save(renamed: list[list[str]], tx: Transaction) -> None:
    tx.run("privacy/rename_identifiers", rows=renamed)


def _rename_elsewhere(
    store: GraphStore, change: _Change, archive: KeyArchive | None
) -> dict[str, int]:
    """Rename what findings, reasons and the archive say; identifiers by kind."""
    starts = tuple(f"{kind}:t{change.before[kind]}." for kind in change.kinds)
    mentioned = mentioned_keys(store, starts)
    mapping: dict[str, str] = {}
    counts = dict.fromkeys(change.kinds, 0)
    parts = []
    for kind, old, new in _mapping(store, change):
        counts[kind] += len(old)
        mapping |= {o: n for o, n in zip(old, new, strict=True) if o in mentioned}
        parts.append(pa.table({"old": old, "new": new}, schema=_MAPPING))
    rename_mentions(store, mapping)
    if archive is not None and parts:
        archive.rename_keys(pa.concat_tables(parts))
    return counts


def _mapping(store: GraphStore, change: _Change) -> Iterator[tuple[str, list[str], list[str]]]:
    """Kind, old and new keys of everything that was renamed, a page at a time."""
    pseudonyms = change.pseudonyms
    for kind in change.kinds:
        for rows in _pages(store, kind, change.target):
            new = [row["key"] for row in rows]
            values = [pseudonyms.unseal(row["key"], row["sealed"]) for row in rows]
            yield kind, [pseudonyms.token(kind, v, change.before[kind]) for v in values], new


def _pages(store: GraphStore, kind: str, version: int) -> Iterator[list[Row]]:
    """Identifiers of a kind with tokens of a version, in order of key."""
    # "/" is the character behind "."
    after, end = f"{kind}:t{version}.", f"{kind}:t{version}/"
    while rows := store.read("privacy/sealed_identifiers", after=after, end=end, limit=_PAGE):
        yield rows
        after = rows[-1]["key"]
