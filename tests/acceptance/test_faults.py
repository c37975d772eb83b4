"""Kills, restarts and rebalances in the midst of everything: the stores end as in one clean run."""

import json
import random
from pathlib import Path

import pytest

from tests.conftest import command_line, own_settings
from tests.events import event, ring
from tests.faults import FaultyIngest, state

FAULTS = 14
SEED = 4


@pytest.mark.long
def test_any_faults_leave_what_one_clean_run_leaves(tmp_path: Path) -> None:
    values = mixed_events(6_000, random.Random(SEED))
    keys = {"RINGTRACE_PRIVACY_KEYS_FILE": str(tmp_path / "keys.json")}
    states = []
    for name, faults in (("faulty", FAULTS), ("clean", 0)):
        cli = command_line(
            tmp_path / name, **keys, RINGTRACE_INGEST_BATCH_SIZE="500" if faults else "10000"
        )
        world = own_settings(cli.data_dir, keys_file=tmp_path / "keys.json")
        started = world.start_servers(origin="http://127.0.0.1:8000")
        ingest = FaultyIngest(cli, world, SEED)
        try:
            if faults:
                ingest.with_servers()
            ingest.run(values, faults)
            ingest.end()
            with world.store() as store:
                states.append(state(world, store))
        finally:
            world.stop_servers(started)
    faulty, clean = states
    assert faulty == clean
    assert len(clean["archive"]) > 4_000


def mixed_events(count: int, chance: random.Random) -> list[bytes]:
    """Events that come again and again with the same pairs, some of them twice, changed or bad."""
    rings = [event for number in range(20) for event in ring(f"ring{number}-", 8)]
    events = [json.dumps(each).encode() for each in rings]
    for number in range(count - len(events)):
        fields = {"device_id": f"d{chance.randrange(600)}", "email": f"m{number % 400}@x.org"}
        account = f"a{chance.randrange(300)}"
        events.append(json.dumps(event(account, number, type="payment", **fields)).encode())
        kind = chance.random()
        if kind < 0.03:
            events.append(chance.choice(events))
        elif kind < 0.04:
            changed = event(account, number, type="login", device_id="another")
            events.append(json.dumps(changed).encode())
        elif kind < 0.05:
            events.append(b'{"event_id": "cut')
    return events
