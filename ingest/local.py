"""A Kafka of our own on this machine: one node, only on the loopback address."""

import subprocess
import uuid
from dataclasses import dataclass
from pathlib import Path

from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError

from graph import jvm
from graph.errors import ServerError
from graph.ports import Ports

VERSION = "4.1.2"
#: what ingest/kafka_jars.lock was resolved from, see graph.jars.write_lock
COORDINATES = (f"org.apache.kafka:kafka_2.13:{VERSION}",)
#: what lets Kafka's log calls reach log4j; it would lower the versions of Kafka's own jars
LOGGING_COORDINATES = ("org.apache.logging.log4j:log4j-slf4j-impl:2.25.3",)
JAR_LOCK = Path(__file__).with_name("kafka_jars.lock")

_SETTINGS = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{broker},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{broker}
controller.listener.names=CONTROLLER
log.dirs={data}
auto.create.topics.enable=false
message.max.bytes=2097152
group.initial.rebalance.delay.ms=0
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
"""

# warnings only, to the terminal, which graph.jvm keeps as logs/console.log
_LOGGING = """\
rootLogger.level=warn
rootLogger.appenderRef.console.ref=console
appender.console.type=Console
appender.console.name=console
appender.console.layout.type=PatternLayout
appender.console.layout.pattern=%d{ISO8601} %p %c{1}: %m%n%throwable
"""


@dataclass(frozen=True, slots=True)
class LocalKafka:
    """Where the running local Kafka is."""

    bootstrap_servers: str


def start_kafka(
    data_dir: Path,
    *,
    heap_size: str = "512m",
    keep_running: bool = False,
    time_limit_s: float = 60,
) -> tuple[LocalKafka, bool]:
    """Start the Kafka of this data folder, or find it running; the flag says whether started."""
    home = _home(data_dir)

    def prepare(ports: Ports, jars: list[Path]) -> list[str]:
        settings = home / "server.properties"
        settings.write_text(_SETTINGS.format(**ports, data=home / "data"), "utf-8")
        logging = home / "log4j2.properties"
        logging.write_text(_LOGGING, "utf-8")
        if not (home / "data" / "meta.properties").exists():
            _format(settings, logging, jars)
        return [
            f"-Xms{heap_size}",
            f"-Xmx{heap_size}",
            "-XX:+ExitOnOutOfMemoryError",
            f"-Dlog4j2.configurationFile={logging}",
            "kafka.Kafka",
            str(settings),
        ]

    server = jvm.JavaServer("Kafka", home, VERSION, JAR_LOCK, {"broker": 9092, "controller": 9093})
    ports, started = jvm.start(
        server, prepare, _answers, keep_running=keep_running, time_limit_s=time_limit_s
    )
    return _describe(ports), started


def find_kafka(data_dir: Path) -> LocalKafka | None:
    """The Kafka that runs for this data folder."""
    ports = jvm.find(_home(data_dir))
    return _describe(ports) if ports else None


def stop_kafka(data_dir: Path) -> bool:
    """Stop the Kafka of this data folder; False when none was running."""
    return jvm.stop(_home(data_dir))


def _home(data_dir: Path) -> Path:
    return data_dir.resolve() / "kafka"


def _describe(ports: Ports) -> LocalKafka:
    return LocalKafka(f"127.0.0.1:{ports['broker']}")


def _format(settings: Path, logging: Path, jars: list[Path]) -> None:
    tool = [jvm.java(), f"-Dlog4j2.configurationFile={logging}", "kafka.tools.StorageTool"]
    arguments = [f"--cluster-id={uuid.uuid4()}", f"--config={settings}", "--ignore-formatted"]
    done = subprocess.run(
        [*tool, "format", *arguments],
        env=jvm.java_environment(jars),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        said = (done.stderr + done.stdout).strip().splitlines() or ["it wrote nothing"]
        raise ServerError(f"Kafka cannot prepare {settings.parent / 'data'}: {said[-1].strip()}")


def _answers(ports: Ports) -> bool:
    try:
        admin = KafkaAdminClient(
            bootstrap_servers=_describe(ports).bootstrap_servers, bootstrap_timeout_ms=2000
        )
    except KafkaError:
        return False
    try:
        return bool(admin.describe_cluster()["brokers"])
    except KafkaError:
        return False
    finally:
        admin.close()
