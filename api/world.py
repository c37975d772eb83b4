"""One world: its settings, its folder and the servers it talks to; made once and passed down."""

import logging
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from detection.settings import DetectionSettings
from graph.archive import Archive
from graph.deny_list import DenyList, load_deny_list
from graph.errors import InputError, ServerError, SettingsError
from graph.local import LocalNeo4j, find_neo4j, start_neo4j, stop_neo4j
from graph.pseudonyms import Pseudonyms, load_pseudonyms
from graph.schema import apply_schema, world_id
from graph.settings import ArchiveSettings, GraphSettings, PrivacySettings
from graph.store import GraphStore
from graph.times import now_ms
from graph.world_keys import keys_file, open_pseudonyms
from ingest.consumer import KafkaSource, ensure_topics, owner_name
from ingest.dead_letters import DeadLetterBox
from ingest.duplicates import DuplicateStore
from ingest.local import find_kafka, start_kafka, stop_kafka
from ingest.positions import find_place
from ingest.settings import IngestSettings
from ingest.writer import Stores, Writer

log = logging.getLogger("ringtrace")


@dataclass(frozen=True, slots=True)
class World:
    """A data folder and the servers that belong to it."""

    data_dir: Path
    graph: GraphSettings = field(default_factory=GraphSettings)
    ingest: IngestSettings = field(default_factory=IngestSettings)
    privacy: PrivacySettings = field(default_factory=PrivacySettings)
    archive_settings: ArchiveSettings = field(default_factory=ArchiveSettings)

    def start_servers(self, origin: str, keep_running: bool = False) -> list[str]:
        """Start the local servers that no setting replaces; returns the names of those started.

        `origin` is the page that may talk to Neo4j over HTTP.
        """
        self.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        starts: dict[str, Future[tuple[object, bool]]] = {}
        with ThreadPoolExecutor(2) as pool:
            if self.graph.uri is None:
                starts["Neo4j"] = pool.submit(
                    start_neo4j,
                    self.data_dir,
                    heap_size=self.graph.heap_size,
                    page_cache_size=self.graph.page_cache_size,
                    gds=self.graph.gds,
                    allowed_origin=origin,
                    keep_running=keep_running,
                    time_limit_s=self.graph.start_seconds,
                )
            if self.ingest.bootstrap_servers is None:
                starts["Kafka"] = pool.submit(
                    start_kafka,
                    self.data_dir,
                    heap_size=self.ingest.heap_size,
                    keep_running=keep_running,
                    time_limit_s=self.ingest.start_seconds,
                )
        started = [name for name, start in starts.items() if start.result()[1]]
        with self.store() as store:
            apply_schema(store)
        ensure_topics(self.ingest, self.bootstrap_servers)
        return started

    def stop_servers(self, names: list[str]) -> list[str]:
        """Stop these local servers; returns the names of those that were running."""
        stops = {"Kafka": stop_kafka, "Neo4j": stop_neo4j}
        return [name for name, stop in stops.items() if name in names and stop(self.data_dir)]

    def addresses(self) -> dict[str, str]:
        """Each server and where it is, in words."""
        graph, kafka = self.neo4j(), find_kafka(self.data_dir)
        stopped = "not running"
        return {
            "Neo4j": self.graph.uri or (f"{graph.uri}  {graph.browser_url}" if graph else stopped),
            "Kafka": self.ingest.bootstrap_servers
            or (kafka.bootstrap_servers if kafka else stopped),
        }

    def neo4j(self) -> LocalNeo4j | None:
        """The running local Neo4j."""
        return find_neo4j(self.data_dir)

    def store(self) -> GraphStore:
        """The graph of this world; ServerError when it is local and not running."""
        if self.graph.uri is not None:
            return GraphStore(
                self.graph.uri, self.graph.user, self._password(), self.graph.database
            )
        local = self.neo4j()
        if local is None:
            raise ServerError(
                f"no Neo4j is running for {self.data_dir}: run `ringtrace servers start`, "
                "or set RINGTRACE_GRAPH_URI"
            )
        return GraphStore(local.uri, local.user, local.password)

    def archive(self) -> Archive:
        """The archive of this world."""
        settings = self.archive_settings
        url = settings.url or str(self.data_dir / "archive")
        return Archive(url, memory=settings.memory, options=settings.options)

    def denied(self, store: GraphStore, path: Path | None = None) -> DenyList:
        """What a file denies: the one that is named, set, or was kept with the data."""
        kept = self.data_dir / "deny_list.txt"
        path = path or DetectionSettings().deny_list or (kept if kept.exists() else None)
        return load_deny_list(path, self.pseudonyms(store)) if path else DenyList()

    @contextmanager
    def store_at(self, as_of: int | None, deny_list: Path | None = None) -> Iterator[GraphStore]:
        """The graph, or the graph as it was at an instant in milliseconds."""
        with self.store() as store:
            if as_of is None:
                yield store
                return
            denied = self.denied(store, deny_list)
        # imported here: it needs everything that detects
        from api.past import past_store

        with past_store(self, DetectionSettings(), as_of, denied) as store:
            yield store

    def keep_deny_list(self, path: Path) -> None:
        """Have all detections of this world pass over what a file denies."""
        try:
            text = path.read_bytes()
        except OSError as error:
            raise InputError(f"the deny list {path} cannot be read: {error.strerror}") from error
        self.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        (self.data_dir / "deny_list.txt").write_bytes(text)

    @property
    def bootstrap_servers(self) -> str:
        """Addresses of the brokers; ServerError when they are local and not running."""
        if self.ingest.bootstrap_servers is not None:
            return self.ingest.bootstrap_servers
        local = find_kafka(self.data_dir)
        if local is None:
            raise ServerError(
                f"no Kafka is running for {self.data_dir}: run `ringtrace servers start`, "
                "or set RINGTRACE_INGEST_BOOTSTRAP_SERVERS"
            )
        return local.bootstrap_servers

    @property
    def keys_file(self) -> Path:
        """Where the keys of this world are, made or not."""
        return keys_file(self.data_dir, self.privacy)

    def pseudonyms(self, store: GraphStore) -> Pseudonyms:
        """What identifiers are written with; PrivacyError when the keys are not this graph's."""
        return open_pseudonyms(store, self.data_dir, self.privacy, now_ms())

    def load_pseudonyms(self) -> Pseudonyms:
        """What identifiers are looked up with; PrivacyError when there is no key file."""
        return load_pseudonyms(self.keys_file, self.privacy)

    @contextmanager
    def writer(self, store: GraphStore, dead_letters: DeadLetterBox) -> Iterator[Writer]:
        """What batches are written with."""
        # the graph's own id: a wiped graph must not meet the memory of the one before
        path = self.data_dir / f"duplicates-{world_id(store)}.sqlite"
        duplicates = DuplicateStore(path, self.ingest.duplicate_window_days)
        archive, pseudonyms = self.archive(), self.pseudonyms(store)
        stores = Stores(store, archive, duplicates, dead_letters, pseudonyms)
        writer = Writer(stores, owner_name())
        try:
            yield writer
        finally:
            writer.close()
            duplicates.close()
            archive.close()

    def kafka_source(self, store: GraphStore, writer: Writer) -> KafkaSource:
        """The event topic, read from where the stores stand."""
        return KafkaSource(
            self.ingest,
            self.bootstrap_servers,
            lambda partition, end: find_place(store, partition, end),
            writer.hold,
        )

    def _password(self) -> str:
        if self.graph.password_file is not None:
            try:
                return self.graph.password_file.read_text("utf-8").strip()
            except OSError as error:
                raise SettingsError(f"RINGTRACE_GRAPH_PASSWORD_FILE: {error}") from error
        if self.graph.password is not None:
            return self.graph.password.get_secret_value()
        raise SettingsError("set RINGTRACE_GRAPH_PASSWORD_FILE or RINGTRACE_GRAPH_PASSWORD")
