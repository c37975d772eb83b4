"""Neo4j and Kafka go away under a running ingest and come back: it waits, the counts are right."""

from itertools import islice
from pathlib import Path

import pytest

from graph.local import start_neo4j, stop_neo4j
from graph.store import GraphStore
from ingest.files import read_events
from ingest.local import start_kafka, stop_kafka
from tests.conftest import P2P, command_line, is_caught_up, own_settings, wait_until

EVENTS = 60_000


@pytest.mark.long
def test_servers_restart_under_a_running_ingest(tmp_path: Path) -> None:
    cli = command_line(tmp_path / "world")
    world = own_settings(cli.data_dir)
    values, _ = read_events([P2P], "p2p")
    events = tmp_path / "events.jsonl"
    events.write_bytes(b"".join(value + b"\n" for value in islice(values, EVENTS)))
    started = world.start_servers(origin="http://127.0.0.1:8000")
    child = None
    try:
        cli.run("replay", str(events))
        child = cli.start("ingest")
        with world.store() as store:
            wait_until("the first batch", lambda: _events(store) > 0, 60)
        assert stop_neo4j(cli.data_dir)
        start_neo4j(cli.data_dir)
        assert stop_kafka(cli.data_dir)
        start_kafka(cli.data_dir)
        cli.run("replay", str(events))
        with world.store() as store:
            wait_until("the graph to catch up", lambda: is_caught_up(world, store), 180)
            assert _events(store) == EVENTS
        assert child.poll() is None
    finally:
        if child is not None:
            child.terminate()
            code = child.wait(60)
        world.stop_servers(started)
    assert code == 0


def _events(store: GraphStore) -> int:
    rows = store.run_schema("MATCH (a:Account) RETURN sum(a.event_count) AS n")
    return int(rows[0]["n"])
