"""A batch into the stores: what is new at once, what only counts a little later, all exactly once.

The graph and the archive each have a position a partition. New structure is written with counters
at zero, so writing it twice changes nothing and it needs no position. Counters wait in memory and
go to the graph in one transaction with its position; a crash forgets them, and the messages behind
the position are read again. The archive's position is the end of its last segment.
"""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from graph import metrics
from graph.archive import Archive
from graph.pseudonyms import Pseudonyms
from graph.store import GraphStore, Transaction
from graph.times import now_ms
from graph.world_keys import while_keys_stay
from ingest import quality
from ingest.acceptance import Acceptance
from ingest.archiving import Segment
from ingest.background import Background
from ingest.batches import Accepted, Batch, Message, Partition
from ingest.counters import Counters
from ingest.dead_letters import DeadLetter, DeadLetterBox
from ingest.duplicates import DuplicateStore
from ingest.memory import give_back
from ingest.positions import Place, position_keys, take_positions
from ingest.saving import Turn, Waiting, save_all, save_counters, save_structure
from ingest.structure import KnownPairs, Structure, fold

#: time of a part of the work
seconds = metrics.BATCH_SECONDS.labels
#: pairs that may wait for their counters: longer folds cost the graph less, but then it rests while
#: they grow, and everybody waits for the last
MAX_WAITING = 90_000
#: events that may wait for the archive: about 300 bytes each
MAX_UNARCHIVED = 100_000
#: events folded at once
_FEW = 1_000
#: batches prepared while the stores are busy
_AHEAD = 5


@dataclass(frozen=True, slots=True)
class Stores:
    """Everything a batch is written to."""

    graph: GraphStore
    archive: Archive
    duplicates: DuplicateStore
    dead_letters: DeadLetterBox
    pseudonyms: Pseudonyms


@dataclass(frozen=True, slots=True)
class Written:
    """How many of a batch's messages became what."""

    messages: int
    events: int
    dead_letters: int
    duplicates: int


@dataclass(slots=True)
class _Held:
    """What this writer holds of one partition."""

    #: where the graph stands when all that was given to it is done
    counted: int
    #: how far the partition was read
    next_offset: int
    counters: Counters
    segment: Segment


class Writer:
    """Writes batches of the partitions that it holds; not safe to share between threads.

    The stores are busy in the background: an error of one batch comes out at a later call.
    """

    def __init__(self, stores: Stores, owner: str) -> None:
        self._stores = stores
        self._owner = owner
        self._held: dict[Partition, _Held] = {}
        self._acceptance = Acceptance(stores.pseudonyms)
        self._known = KnownPairs()
        self._latest_at = 0
        self._max_waiting = MAX_WAITING
        self._background = Background("stores", _AHEAD)

    def close(self) -> None:
        """Let go of everything; what waits and was not written is read again by the next writer."""
        self._held = {}
        self._background.close()

    @property
    def has_waiting(self) -> bool:
        """Whether something waits for the next checkpoint."""
        return any(h.next_offset > min(h.counted, h.segment.first) for h in self._held.values())

    def hold(self, places: list[Place], now: int) -> dict[Partition, int]:
        """Become the only writer of these partitions and of no other; from where to read each.

        What waited is dropped: it is read again. `now` in milliseconds since 1970.
        """
        stores = self._stores
        if not self._background.drop():
            self._known.forget()
        self._held = {}
        counted = take_positions(stores.graph, places, self._owner, stores.pseudonyms.keyring)
        lowest = {}
        for place in places:
            partition, offset = place.partition, counted[place.partition]
            archived = stores.archive.next_offset(partition.topic_id, partition.number)
            first = archived or 0
            remembered = stores.duplicates.fill(place, stores.archive, now)
            self._held[partition] = _Held(offset, offset, Counters(), Segment(partition, first))
            lowest[partition] = min(offset, first, remembered)
        return lowest

    def write(self, batch: Batch, now: int) -> Written:
        """Write what is new in a batch and have the rest wait; `now` in milliseconds.

        After any error the batch is read again from where `hold` says: PositionError when a
        partition went to another writer, StoreAwayError, TransactionTooLargeError and so on.
        """
        with seconds("decode").time():
            accepted, letters = self._acceptance.accept(batch.messages, now)
        with seconds("duplicates").time():
            told = self._stores.duplicates.sort(accepted, batch.next_offsets, now)
        detail = "an event with this account_id and event_id had another body"
        letters += [DeadLetter(m, "conflicting_body", detail) for m in told.conflicting]
        letters = [letter for letter in letters if self._is_ahead(letter.message)]
        repeated = [message for message in told.repeated if self._is_ahead(message)]
        with seconds("dead_letters").time():
            pseudonyms = self._stores.pseudonyms
            self._stores.dead_letters.post([(x.key, x.body(pseudonyms, now)) for x in letters])
        with seconds("fold").time():
            turn = self._turn(batch, told.fresh, now)
            structure, events = self._fold(batch, told.fresh)
            self._measure(batch, letters, repeated)
        since = min(message.timestamp for message in batch.messages)
        self._write_structure(turn, structure, sorted(batch.next_offsets), since)
        if self._waiting >= self._max_waiting:
            # the others may grow meanwhile: what an account does again costs the graph nothing
            self._write_counters([max(self._held, key=lambda p: self._held[p].counters.size)])
        if self._unarchived >= MAX_UNARCHIVED:
            self._write_segments()
        written = Written(
            messages=len(batch.messages),
            events=events,
            dead_letters=len(letters),
            duplicates=len(repeated),
        )
        self._report(written, letters)
        return written

    def checkpoint(self, now: int) -> None:
        """Bring archive and counters to where the structure is; `now` in milliseconds."""
        self._write_segments()
        self._write_counters()
        self._give(lambda: metrics.LAST_CHECKPOINT.set(now / 1000))
        self._stores.duplicates.prune(now)

    def shrink(self) -> None:
        """Have half as many counters in a transaction from now on: the graph could not take one."""
        self._max_waiting = max(1, self._max_waiting // 2)

    def wait(self) -> None:
        """Until the stores have everything they were given."""
        try:
            self._background.wait()
        except BaseException:
            self._known.forget()
            raise

    @property
    def _waiting(self) -> int:
        """Pairs and accounts that wait for their counters."""
        return sum(held.counters.size for held in self._held.values())

    @property
    def _unarchived(self) -> int:
        """Events that wait for the archive."""
        return sum(held.segment.rows for held in self._held.values())

    def _is_ahead(self, message: Message) -> bool:
        return message.offset >= self._held[message.partition].counted

    def _turn(self, batch: Batch, events: list[Accepted], now: int) -> Turn:
        latest = max((event.at for event in events), default=0)
        self._latest_at = max(self._latest_at, min(latest, now))
        arrived = max(message.timestamp for message in batch.messages) or self._latest_at
        return Turn(self._owner, self._stores.pseudonyms, self._latest_at, quality.hour(arrived))

    def _fold(self, batch: Batch, events: list[Accepted]) -> tuple[Structure, int]:
        """Have everything wait that only counts; what is left is new. And how many were counted."""
        structure, count = Structure(), 0
        by_partition: dict[Partition, list[Accepted]] = defaultdict(list)
        for event in events:
            by_partition[event.message.partition].append(event)
        for partition, next_offset in batch.next_offsets.items():
            held, mine = self._held[partition], by_partition[partition]
            # a few at a time: then the processor still has them at hand at the next step
            for some in (mine[start : start + _FEW] for start in range(0, len(mine), _FEW)):
                held.segment.add(some, some[-1].message.offset + 1)
                fresh = [event for event in some if event.message.offset >= held.counted]
                fold(fresh, held.counters, self._known, self._latest_at, structure)
                quality.add(held.counters.quality, quality.measure(fresh))
                count += len(fresh)
            held.segment.add([], next_offset)
            held.next_offset = max(held.next_offset, next_offset)
        return structure, count

    def _measure(self, batch: Batch, letters: list[DeadLetter], repeated: list[Message]) -> None:
        """Have the quality of what was not counted wait with the counters of its partitions."""
        for partition in batch.next_offsets:
            counts = quality.measure(
                dead_letters=[each for each in letters if each.message.partition == partition],
                duplicates=[message for message in repeated if message.partition == partition],
            )
            quality.add(self._held[partition].counters.quality, counts)

    def _write_structure(
        self, turn: Turn, structure: Structure, partitions: list[Partition], since: int
    ) -> None:
        if structure.is_mostly_new:
            waiting = self._cut(partitions)
            self._write(lambda tx: save_all(tx, turn, structure, waiting), since)
        elif not structure.is_empty:
            self._write(lambda tx: save_structure(tx, turn, structure, partitions), since)

    def _write(self, work: Callable[[Transaction], None], since: int) -> None:
        def write() -> None:
            with seconds("structure").time():
                self._stores.graph.write(work)
            if since:
                metrics.DELAY_SECONDS.observe(max(0, now_ms() - since) / 1000)

        self._give(write)

    def _write_segments(self) -> None:
        """Write to the archive what a change of keys would rename there, while there is none."""
        stores = self._stores
        segments = [held.segment.cut() for held in self._held.values() if not held.segment.is_empty]

        def save() -> None:
            with seconds("archive").time():
                for segment in segments:
                    place, write = position_keys([segment.partition]), segment.write
                    while_keys_stay(
                        stores.graph,
                        stores.pseudonyms.keyring,
                        place,
                        partial(write, stores.archive),
                    )
            # nobody needs them now, and they are most of what there is to give back
            segments.clear()
            give_back()

        self._give(save)

    def _write_counters(self, partitions: list[Partition] | None = None) -> None:
        turn = Turn(self._owner, self._stores.pseudonyms, self._latest_at, 0)
        waiting = self._cut(partitions)

        def save() -> None:
            with seconds("counters").time():
                # one after the other: two at once want the payees of each other's transfers
                for each in waiting:
                    self._stores.graph.write(partial(save_counters, turn=turn, waiting=each))

        self._give(save)

    def _cut(self, partitions: list[Partition] | None = None) -> list[Waiting]:
        """Take what waits, sorted by partition, and begin anew behind it."""
        cut = []
        for partition in sorted(self._held) if partitions is None else partitions:
            held = self._held[partition]
            if held.next_offset > held.counted:
                cut.append(Waiting(partition, held.counted, held.next_offset, held.counters))
                held.counted, held.counters = held.next_offset, Counters()
        return cut

    def _give(self, work: Callable[[], None]) -> None:
        try:
            with seconds("wait").time():
                self._background.give(work)
        except BaseException:
            # whatever was to be written may not be there
            self._known.forget()
            raise

    def _report(self, written: Written, letters: list[DeadLetter]) -> None:
        metrics.BATCHES.inc()
        metrics.EVENTS.inc(written.events)
        metrics.DUPLICATES.inc(written.duplicates)
        for letter in letters:
            metrics.DEAD_LETTERS.labels(letter.reason).inc()
        metrics.KNOWN_PAIRS.set(len(self._known))
        metrics.WAITING_COUNTERS_ROWS.set(self._waiting)
        metrics.UNARCHIVED_ROWS.set(self._unarchived)
