"""Writers and a change of keys keep out of each other's way, whatever the moment."""

import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from api.world import World
from graph.errors import PrivacyError
from graph.keyring import Keyring
from graph.kinds import identifier_kinds
from graph.pseudonyms import Pseudonyms
from graph.rekey import rekey
from graph.store import GraphStore, Transaction
from graph.world_keys import check_keys, join_world, while_keys_stay
from tests.conftest import own_settings, wait_until
from tests.personal import rows

EMAIL = identifier_kinds()["email"]


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("private")
    started = own_settings(folder).start_servers(origin="http://127.0.0.1:8000")
    yield folder
    own_settings(folder).stop_servers(started)


@pytest.fixture(scope="module")
def own(data_dir: Path) -> World:
    return own_settings(data_dir)


@pytest.fixture
def graph(own: World) -> Iterator[GraphStore]:
    with own.store() as store:
        yield store


def test_no_writer_gets_past_a_change_of_keys(
    own: World, graph: GraphStore, tmp_path: Path
) -> None:
    """Writers that come, write and go while keys change: all that was committed was renamed."""
    keyring = own.pseudonyms(graph).keyring
    writers = [_Writer(own, keyring, f"{tmp_path.name}-{n}") for n in range(6)]
    threads = [threading.Thread(target=writer.write_until_refused) for writer in writers]
    for thread in threads:
        thread.start()
    wait_until("all to write", lambda: all(len(w.written) > 3 for w in writers), 60)
    rekey(graph, own.keys_file, {}, 0)
    for thread in threads:
        thread.join(60)
    refusals = {writer.refusal for writer in writers}
    assert all("being changed" in said or "start again" in said for said in refusals), refusals
    pseudonyms = own.pseudonyms(graph)
    written = {pseudonyms.key(EMAIL, text) for writer in writers for text in writer.written}
    found = rows(graph, "MATCH (i:Identifier) RETURN i.key AS key")
    keys = {row["key"] for row in found}
    assert written <= keys
    assert not [key for key in keys if f":t{keyring.version}." in key]


@pytest.mark.parametrize("first", ["writer", "rekey"])
@pytest.mark.parametrize("guard", ["join", "write"])
def test_writers_and_a_change_of_keys_wait_for_each_other(
    own: World, graph: GraphStore, tmp_path: Path, guard: str, first: str
) -> None:
    keyring = own.pseudonyms(graph).keyring
    writer = _Writer(own, keyring, tmp_path.name)
    graph.write(partial(writer.join, tmp_path.name))
    row = {"topic_id": tmp_path.name, "partition": 0}
    begin = partial(_begin, keyring.fingerprint)
    write = partial(join_world if guard == "join" else check_keys, keyring=keyring)
    write = write if guard == "join" else partial(write, positions=[row])
    early, late = (write, begin) if first == "writer" else (begin, write)
    try:
        order = _order(graph, early, late)
        with pytest.raises(PrivacyError, match="are being changed"):
            graph.write(write)
    finally:
        _end(graph, keyring.fingerprint)
    assert order == (["early", "late"] if first == "writer" else ["early", "refused", "late"])


def test_what_is_written_elsewhere_is_waited_for_too(
    own: World, graph: GraphStore, tmp_path: Path
) -> None:
    keyring = own.pseudonyms(graph).keyring
    graph.write(partial(_Writer(own, keyring, tmp_path.name).join, tmp_path.name))
    positions = [{"topic_id": tmp_path.name, "partition": 0}]
    order: list[str] = []

    def begin() -> None:
        graph.write(partial(_begin, keyring.fingerprint))
        order.append("begun")

    thread = threading.Thread(target=begin)

    def work() -> None:
        thread.start()
        thread.join(1)
        order.append("written")

    try:
        while_keys_stay(graph, keyring, positions, work)
        thread.join(30)
        with pytest.raises(PrivacyError, match="are being changed"):
            while_keys_stay(graph, keyring, positions, lambda: order.append("late"))
    finally:
        _end(graph, keyring.fingerprint)
    assert order == ["written", "begun"]


def _begin(fingerprint: str, tx: Transaction) -> None:
    parameters = {"fingerprint": fingerprint, "version": 99, "kinds": []}
    assert tx.run("privacy/begin_rekey", **parameters) == [{"has_begun": True}]


def _end(graph: GraphStore, fingerprint: str) -> None:
    graph.write(lambda tx: tx.run("privacy/end_rekey", fingerprint=fingerprint, version=99))


def _order(graph: GraphStore, early: Callable[..., None], late: Callable[..., None]) -> list[str]:
    """Which of two transactions ended first when the other began in the midst of it."""
    order: list[str] = []

    def run_late() -> None:
        try:
            graph.write(late)
        except PrivacyError:
            order.append("refused")
        order.append("late")

    thread = threading.Thread(target=run_late)

    def run_early(tx: Transaction) -> None:
        early(tx)
        thread.start()
        thread.join(1)
        order.append("early")

    graph.write(run_early)
    thread.join(30)
    return order


class _Writer:
    """Takes a new partition every few transactions and writes new addresses."""

    def __init__(self, own: World, keyring: Keyring, name: str) -> None:
        self._own, self._keyring, self._name = own, keyring, name
        self._pseudonyms = Pseudonyms(keyring)
        self.written: list[str] = []
        self.refusal = ""

    def write_until_refused(self) -> None:
        with self._own.store() as store:
            try:
                for number in range(100_000):
                    topic_id = f"{self._name}-{number // 3}"
                    if number % 3 == 0:
                        store.write(partial(self.join, topic_id))
                    text = f"{self._name}.{number}@example.org"
                    store.write(partial(self.write, topic_id, text))
                    self.written.append(text)
            except PrivacyError as error:
                self.refusal = str(error)

    def join(self, topic_id: str, tx: Transaction) -> None:
        join_world(tx, self._keyring)
        row = {"topic": self._name, "topic_id": topic_id, "partition": 0, "start": 0}
        tx.run("ingest/take_positions", rows=[row], owner=self._name)

    def write(self, topic_id: str, text: str, tx: Transaction) -> None:
        check_keys(tx, self._keyring, [{"topic_id": topic_id, "partition": 0}])
        # as long as a batch may take, and longer than a change of these few keys
        time.sleep(0.7)
        key = self._pseudonyms.key(EMAIL, text)
        row = [key, EMAIL.name, EMAIL.label, None, self._pseudonyms.seal(EMAIL, text, key)]
        tx.run("ingest/merge_identifiers", rows=[row])
