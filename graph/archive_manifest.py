"""The archive's manifests: which month files count, and how far they cover each partition.

Manifests are numbered; the highest counts. Making the next number, which only one of two can, is
the one way the set of month files ever changes.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from pathlib import PurePosixPath

from graph.archive_files import Files
from graph.errors import ArchiveError

MANIFESTS = "manifests"
MONTHS = "months"
#: old manifests that stay, for people who want to know what happened
_KEPT = 10
_FORMAT = 1


@dataclass(frozen=True, slots=True)
class MonthFile:
    """One file of events of one month (UTC), sorted by account."""

    path: str
    #: as `2026-01`
    month: str
    #: files of one run hold different stretches of one sorted order
    run: int
    rows: int
    bytes: int
    min_account: str
    max_account: str
    #: first and last `occurred_at`, milliseconds since 1970 UTC
    min_at: int
    max_at: int
    #: last `received_at`; None when an event has none
    max_received: int | None


@dataclass(frozen=True, slots=True)
class Manifest:
    """One state of the archive's months."""

    number: int = 0
    files: tuple[MonthFile, ...] = ()
    #: `topic id/partition` to the offset where its segments begin to count
    covered: dict[str, int] = field(default_factory=dict)
    #: milliseconds since 1970 of the last compaction
    compacted_at: int = 0

    def next(self, **changes: object) -> "Manifest":
        """The manifest that would follow this one."""
        return replace(self, number=self.number + 1, **changes)  # type: ignore[arg-type]


class Manifests:
    """Reads and publishes manifests; remembers the newest."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self._newest = Manifest()

    def newest(self) -> Manifest:
        """The manifest that counts just now."""
        while True:
            numbers = self._numbers()
            if not numbers:
                return Manifest()
            if numbers[-1] != self._newest.number:
                try:
                    self._newest = _parse(self._files.read(_name(numbers[-1])))
                except FileNotFoundError:
                    # much newer ones were made since we looked
                    continue
            return self._newest

    def publish(self, manifest: Manifest) -> bool:
        """Have a manifest count from now on; False when another one was first."""
        text = json.dumps({"format": _FORMAT} | asdict(manifest), sort_keys=True)
        if not self._files.create(_name(manifest.number), text.encode()):
            return False
        # its number may have been free again because it is long past
        return self._numbers()[-1] == manifest.number

    def delete_past(self, keep: Iterable[str] = ()) -> None:
        """Delete month files that no reader needs any more, and old manifests.

        Files in `keep` stay. A file named after a later manifest is another compaction's work.
        """
        newest, kept = self.newest(), set(keep)
        kept.update(file.path for file in newest.files)
        past = [
            name
            for name in self._files.names(MONTHS)
            if name not in kept and manifest_number(name) <= newest.number
        ]
        self._files.delete(past)
        self._files.delete(_name(number) for number in self._numbers()[:-_KEPT])

    def _numbers(self) -> list[int]:
        return [manifest_number(name) for name in self._files.names(MANIFESTS)]


def month_file_name(month: str, number: int, part: int, token: str) -> str:
    """Where a month file goes that manifest `number` will name; `token` makes it nobody else's."""
    return f"{MONTHS}/{month}/{number:012}-{part}-{token}.parquet"


def manifest_number(name: str) -> int:
    """The number of the manifest a file is, or was made for."""
    return int(PurePosixPath(name).name.partition(".")[0].partition("-")[0])


def _name(number: int) -> str:
    return f"{MANIFESTS}/{number:012}.json"


def _parse(data: bytes) -> Manifest:
    document = json.loads(data)
    if document.pop("format") != _FORMAT:
        raise ArchiveError("the archive was written by a newer Ringtrace: update this one")
    files = tuple(MonthFile(**file) for file in document.pop("files"))
    return Manifest(files=files, **document)
