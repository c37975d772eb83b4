"""`make bench ARGS=faults`: 200 kills, restarts and rebalances, and then equal to one clean run."""

import random
import tempfile
import time
from pathlib import Path

from rich.console import Console

from tests.acceptance.test_faults import mixed_events
from tests.conftest import command_line, own_settings
from tests.faults import FaultyIngest, state

SEED = 200


def run(scale: str = "full") -> dict[str, float]:
    """Do it, print what happened and return the figures; AssertionError when something differs."""
    faults, events = (6, 3_000) if scale == "small" else (200, 60_000)
    out, began = Console(), time.perf_counter()
    values = mixed_events(events, random.Random(SEED))
    with tempfile.TemporaryDirectory(prefix="faults") as name:
        keys = Path(name) / "keys.json"
        states = []
        for folder, count in (("faulty", faults), ("clean", 0)):
            cli = command_line(
                Path(name) / folder,
                RINGTRACE_PRIVACY_KEYS_FILE=str(keys),
                RINGTRACE_INGEST_BATCH_SIZE="500" if count else "10000",
                RINGTRACE_LOG_LEVEL="ERROR",
            )
            world = own_settings(cli.data_dir, keys_file=keys)
            started = world.start_servers(origin="http://127.0.0.1:8000")
            ingest = FaultyIngest(cli, world, SEED).with_servers()
            try:
                ingest.run(values, count)
                ingest.end()
                with world.store() as store:
                    states.append(state(world, store))
            finally:
                world.stop_servers(started)
            if count:
                out.print(f"{sum(ingest.happened.values())} faults: {dict(ingest.happened)}")
    faulty, clean = states
    for part in clean:
        assert faulty[part] == clean[part], f"{part} differs after the faults"
    out.print(f"graph, archive ({len(clean['archive'])} events) and quality are equal")
    return {"faults": faults, "seconds": time.perf_counter() - began}
