"""A Neo4j of our own on this machine: only for this user, only on the loopback address."""

import os
import secrets
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from neo4j import GraphDatabase, NotificationMinimumSeverity
from neo4j.exceptions import AuthError, DriverError, Neo4jError

from graph import jvm
from graph.errors import ServerError
from graph.ports import Ports

VERSION = "5.26.30"
#: what graph/neo4j_jars.lock was resolved from, see graph.jars.write_lock
COORDINATES = (
    f"org.neo4j.app:neo4j-server:{VERSION}",
    f"org.neo4j:neo4j:{VERSION}",
    "org.neo4j.client:neo4j-browser:5.24.0",
)
JAR_LOCK = Path(__file__).with_name("neo4j_jars.lock")
GDS_VERSION = "2.13.9"
#: with COORDINATES what graph/gds_jars.lock was resolved from, besides graph/neo4j_jars.lock
GDS_COORDINATES = tuple(
    f"org.neo4j.gds:{part}:{GDS_VERSION}"
    for part in (
        "proc",
        "proc-sysinfo",
        "opengds-extension",
        "open-model-catalog",
        "open-write-services",
    )
)
GDS_JAR_LOCK = Path(__file__).with_name("gds_jars.lock")
_USER = "neo4j"
_FIRST_PASSWORD = "neo4j"

# Transaction logs are kept only as far as a restart needs them: there are no backups to roll
# forward here, and the default keeps up to 2 GB.
_SETTINGS = """\
server.default_listen_address=127.0.0.1
server.default_advertised_address=127.0.0.1
server.bolt.listen_address=:{bolt}
server.bolt.advertised_address=:{bolt}
server.http.listen_address=:{http}
server.http.advertised_address=:{http}
server.memory.heap.initial_size={heap}
server.memory.heap.max_size={heap}
server.memory.pagecache.size={page_cache}
server.config.strict_validation.enabled=true
dbms.security.auth_enabled=true
dbms.security.http_access_control_allow_origin={origin}
dbms.usage_report.enabled=false
db.tx_log.rotation.retention_policy=keep_none
db.tx_log.rotation.size=64m
db.tx_log.preallocate=false
"""
# GDS reads and keeps its graphs below the security of Cypher, which it must be allowed by name.
_GDS_SETTINGS = """\
server.directories.plugins={plugins}
dbms.security.procedures.unrestricted=gds.*
"""


@dataclass(frozen=True, slots=True)
class LocalNeo4j:
    """Where the running local Neo4j is and how to log in."""

    uri: str
    http_url: str
    browser_url: str
    user: str
    password: str = field(repr=False)


def start_neo4j(  # noqa: PLR0913  (options, which are always named)
    data_dir: Path,
    *,
    heap_size: str = "1g",
    page_cache_size: str = "512m",
    gds: bool = False,
    allowed_origin: str = "http://127.0.0.1:8000",
    keep_running: bool = False,
    time_limit_s: float = 120,
) -> tuple[LocalNeo4j, bool]:
    """Start the Neo4j of this data folder, or find it running; the flag says whether started.

    `allowed_origin` is the one web page that may talk to its HTTP port. With `gds` it is started
    with Graph Data Science, a program under the GPLv3 that is fetched for it; one that runs already
    stays as it is.
    """
    home = _home(data_dir)
    plugins = {"Graph Data Science": GDS_JAR_LOCK} if gds else {}

    def prepare(ports: Ports, jars: list[Path]) -> list[str]:
        _ensure_password(home)
        settings = _SETTINGS.format(
            **ports, heap=heap_size, page_cache=page_cache_size, origin=allowed_origin
        )
        if gds:
            # Neo4j looks for procedures in this folder, and for the rest on the class path
            settings += _GDS_SETTINGS.format(plugins=jars[-1].parent)
        (home / "conf").mkdir(mode=0o700, exist_ok=True)
        (home / "conf" / "neo4j.conf").write_text(settings, "utf-8")
        return [
            # Neo4j's own start script turns the heap settings into these
            f"-Xms{heap_size}",
            f"-Xmx{heap_size}",
            "-XX:+ExitOnOutOfMemoryError",
            "--add-opens=java.base/java.nio=ALL-UNNAMED",
            "--add-opens=java.base/sun.nio.ch=ALL-UNNAMED",
            "org.neo4j.server.CommunityEntryPoint",
            f"--home-dir={home}",
            f"--config-dir={home / 'conf'}",
            "--console-mode",
        ]

    ports_wanted = {"bolt": 7687, "http": 7474}
    server = jvm.JavaServer("Neo4j", home, VERSION, JAR_LOCK, ports_wanted, plugins)
    ports, started = jvm.start(
        server,
        prepare,
        partial(_can_log_in, home),
        keep_running=keep_running,
        time_limit_s=time_limit_s,
    )
    return _describe(home, ports), started


def find_neo4j(data_dir: Path) -> LocalNeo4j | None:
    """The Neo4j that runs for this data folder."""
    ports = jvm.find(_home(data_dir))
    return _describe(_home(data_dir), ports) if ports else None


def stop_neo4j(data_dir: Path) -> bool:
    """Stop the Neo4j of this data folder; False when none was running."""
    return jvm.stop(_home(data_dir))


def _home(data_dir: Path) -> Path:
    return data_dir.resolve() / "neo4j"


def _describe(home: Path, ports: Ports) -> LocalNeo4j:
    uri, http_url = f"bolt://127.0.0.1:{ports['bolt']}", f"http://127.0.0.1:{ports['http']}"
    browser_url = f"{http_url}/browser/?dbms=neo4j://127.0.0.1:{ports['bolt']}&db=neo4j"
    return LocalNeo4j(uri, http_url, browser_url, _USER, _password(home))


def _password(home: Path) -> str:
    path = home / "password"
    try:
        return path.read_text("utf-8").strip()
    except OSError as error:
        raise ServerError(f"the graph's password in {path} cannot be read: {error}") from error


def _ensure_password(home: Path) -> None:
    path = home / "password"
    if path.exists():
        return
    if (home / "data").exists():
        raise ServerError(f"{path} is gone and the graph needs it: restore it, or delete {home}")
    # whole or not there at all, whenever the machine stops
    new = path.with_suffix(".new")
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(secrets.token_urlsafe(24) + "\n")
    new.replace(path)


def _can_log_in(home: Path, ports: Ports) -> bool:
    """Log in; at the very first login the password becomes ours."""
    uri, password = f"bolt://127.0.0.1:{ports['bolt']}", _password(home)
    try:
        try:
            _run(uri, password, "RETURN 1", "neo4j")
        except AuthError:
            change = "ALTER CURRENT USER SET PASSWORD FROM $old TO $new"
            _run(uri, _FIRST_PASSWORD, change, "system", old=_FIRST_PASSWORD, new=password)
    except AuthError as error:
        raise ServerError(
            f"Neo4j refused the password in {home / 'password'}: restore it, or delete {home}"
        ) from error
    except (DriverError, Neo4jError):
        return False
    return True


def _run(uri: str, password: str, statement: str, database: str, **parameters: str) -> None:
    off = NotificationMinimumSeverity.OFF
    with (
        GraphDatabase.driver(uri, auth=(_USER, password), notifications_min_severity=off) as driver,
        driver.session(database=database) as session,
    ):
        session.run(statement, parameters).consume()
