"""The world as it was: a graph of its own for as long as one looks at it."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from api.world import World
from detection.scheduler import detect_once
from detection.settings import DetectionSettings
from graph.deny_list import DenyList
from graph.local import start_neo4j, stop_neo4j
from graph.past import rebuild, remember_rings
from graph.schema import apply_schema
from graph.store import GraphStore


@contextmanager
def past_store(
    world: World, settings: DetectionSettings, at: int, denied: DenyList
) -> Iterator[GraphStore]:
    """A graph with what had happened at an instant (milliseconds), and the rings a run then finds.

    It is built from the archive in a local Neo4j of its own, which takes some ten seconds and, for
    each million events, about one minute, and goes at the end. Rings that were open then keep their
    ids. What came late, after the instant, is in it; dispositions are not.
    """
    with tempfile.TemporaryDirectory(prefix="past-", dir=world.data_dir) as name:
        folder = Path(name)
        local, _ = start_neo4j(
            folder,
            heap_size=world.graph.heap_size,
            page_cache_size=world.graph.page_cache_size,
            gds=world.graph.gds,
            allowed_origin="http://127.0.0.1",
            time_limit_s=world.graph.start_seconds,
        )
        try:
            with GraphStore(local.uri, local.user, local.password) as store:
                apply_schema(store)
                rebuild(store, world.archive(), at)
                with world.store() as present:
                    remember_rings(store, present, at)
                detect_once(store, world.archive(), settings, full=True, denied=denied)
                yield store
        finally:
            stop_neo4j(folder)
