"""The command line: `ringtrace …`."""

import logging
import os
import signal
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryFile
from typing import Annotated, Any, NoReturn

import typer
from pydantic import ValidationError
from rich.console import Console

from api import demo as steps
from api.addresses import page_address
from api.clear_values import ClearValues
from api.commands import archive, keys
from api.commands.backtest import backtest
from api.commands.begin import begin
from api.commands.bench import bench
from api.commands.calibrate import calibrate
from api.commands.detectors import detectors
from api.commands.dispose import dispose
from api.commands.evaluate import evaluate
from api.commands.jobs import jobs
from api.commands.quality import quality
from api.commands.simulate import simulate
from api.dry_run import print_dry_run
from api.housekeeping import housekeeping
from api.listing import print_listing
from api.options import AsOf, DataDir, FollowStdin, OutputFormat, open_world
from api.responses import AccountOut, RingOut
from api.settings import ApiSettings
from api.stages import Stages, running_stages
from api.stopping import stop_event, when_stdin_ends
from api.world import World
from detection.escalation import deliver as deliver_outbox
from detection.settings import DetectionSettings, EscalationSettings
from graph.errors import InputError, RingtraceError
from graph.model import RiskLevel
from graph.ports import choose_ports
from graph.schema import apply_schema, check_schema
from graph.store import GraphStore
from graph.times import now_ms
from graph.views import RingFilter, all_accounts, all_rings
from ingest.consumer import ensure_topics
from ingest.dead_letters import DeadLetterFile
from ingest.dry_run import dry_run as check_lines
from ingest.files import FileSource, read_events, read_lines
from ingest.pipeline import ingest as run_ingest
from ingest.pipeline import tune_interpreter
from ingest.replay import DeadLetterTopic, EventTopic, paced
from ingest.replay import replay as send

app = typer.Typer(
    name="ringtrace",
    help="Finds sharing rings in account events and lets you walk from a flag outwards.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
servers = typer.Typer(help="Local Neo4j and Kafka.", no_args_is_help=True)
schema = typer.Typer(help="Constraints and indexes of the graph.", no_args_is_help=True)
app.add_typer(servers, name="servers")
app.add_typer(schema, name="schema")
app.add_typer(keys.app, name="keys")
app.add_typer(archive.app, name="archive")
app.callback()(begin)
app.command()(backtest)
app.command()(calibrate)
app.command()(detectors)
app.command()(bench)
app.command()(dispose)
app.command()(evaluate)
app.command()(jobs)
app.command()(quality)
app.command()(simulate)
out = Console()


def _raise_interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


@app.command()
def demo(
    once: Annotated[bool, typer.Option("--once", help="End after the summary.")] = False,
    data_dir: DataDir = None,
) -> None:
    """Everything on this machine with the bundled real data. Example: ringtrace demo --once."""
    world, api = open_world(data_dir), ApiSettings()
    with _service(world, api) as (stages, page), world.store() as store:
        steps.play(world, store, stages, out)
        steps.find_rings(world, store, out)
        stages.start("detect", "--every", str(DetectionSettings().every_seconds))
        steps.wait_for_page(page, stages)
        steps.print_summary(store, out, page)
        if not once:
            _keep_serving(world, stages, page)


@app.command()
def up(data_dir: DataDir = None) -> None:
    """Local servers if none are set, then all stages until Ctrl-C. Example: ringtrace up."""
    world, api = open_world(data_dir), ApiSettings()
    with _service(world, api) as (stages, page):
        stages.start("detect", "--every", str(DetectionSettings().every_seconds))
        if EscalationSettings().webhook_url is not None:
            stages.start("deliver")
        steps.wait_for_page(page, stages)
        _keep_serving(world, stages, page)


@contextmanager
def _service(world: World, api: ApiSettings) -> Iterator[tuple[Stages, str]]:
    """Local servers, ingest and the page; ends what it started, after Ctrl-C and SIGTERM too."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _raise_interrupt)
    with ExitStack() as held:
        port = choose_ports({"page": api.port}, {}, held, api.host)["page"]
        page = page_address(api.host, port)
        with out.status("Starting Neo4j and Kafka (the first time they are fetched, about 140 MB)"):
            started = world.start_servers(origin=page)
        try:
            with running_stages(world.data_dir) as stages:
                stages.start("ingest")
                stages.start("serve", "--port", str(port))
                yield stages, page
        finally:
            world.stop_servers(started)


def _keep_serving(world: World, stages: Stages, page: str) -> None:
    out.print(f"Explorer       {page}", highlight=False)
    if (local := world.neo4j()) is not None:
        where = f"{local.browser_url}  (user {local.user}, password in {world.data_dir}/neo4j)"
        out.print(f"Neo4j Browser  {where}", highlight=False, soft_wrap=True)
    addresses = "  ".join([f"{page}/api/v1/metrics", *stages.metrics])
    out.print(f"Metrics        {addresses}", highlight=False, soft_wrap=True)
    out.print("Ctrl-C stops everything.")
    with suppress(KeyboardInterrupt):
        while True:
            stages.check()
            time.sleep(1)


@servers.command("start")
def servers_start(data_dir: DataDir = None) -> None:
    """Start the local servers and leave them running. Example: ringtrace servers start."""
    world, api = open_world(data_dir), ApiSettings()
    with out.status("Starting Neo4j and Kafka (the first time they are fetched, about 140 MB)"):
        world.start_servers(origin=page_address(api.host, api.port), keep_running=True)
    _print_servers(world)


@servers.command("stop")
def servers_stop(data_dir: DataDir = None) -> None:
    """Stop the local servers. Example: ringtrace servers stop."""
    stopped = open_world(data_dir).stop_servers(["Kafka", "Neo4j"])
    out.print(f"stopped {' and '.join(stopped)}" if stopped else "nothing was running")


@servers.command("status")
def servers_status(data_dir: DataDir = None) -> None:
    """Say which local servers run, and where. Example: ringtrace servers status."""
    _print_servers(open_world(data_dir))


def _print_servers(world: World) -> None:
    for name, address in world.addresses().items():
        out.print(f"{name:<8} {address}", highlight=False, soft_wrap=True)


@schema.command("apply")
def schema_apply(data_dir: DataDir = None) -> None:
    """Create missing constraints and indexes. Example: ringtrace schema apply."""
    with open_world(data_dir).store() as store:
        apply_schema(store)
    out.print("the schema is in place")


@schema.command("check")
def schema_check(data_dir: DataDir = None) -> None:
    """Fail when a constraint or index is missing. Example: ringtrace schema check."""
    with open_world(data_dir).store() as store:
        missing = check_schema(store)
    if missing:
        raise InputError(
            f"missing in the graph: {', '.join(missing)}; run `ringtrace schema apply`"
        )
    out.print("the schema is complete")


@app.command()
def ingest(data_dir: DataDir = None, follow_stdin: FollowStdin = False) -> None:
    """Move events from Kafka into the graph until stopped. Example: ringtrace ingest."""
    world = open_world(data_dir)
    stop = stop_event(follow_stdin=follow_stdin)
    with world.store() as store:
        ensure_topics(world.ingest, world.bootstrap_servers)
        letters = DeadLetterTopic(world.ingest.dead_letter_topic, world.bootstrap_servers)
        with world.writer(store, letters) as writer:
            source = world.kafka_source(store, writer)
            tune_interpreter()
            with housekeeping(world.data_dir):
                run_ingest(source, writer, stop, world.ingest.checkpoint_seconds)
            source.close()
        letters.close()


@app.command()
def replay(  # noqa: PLR0913  (options, which are always named)
    files: Annotated[list[Path], typer.Argument(help="Files, or folders with a mapping.")],
    mapping: Annotated[str | None, typer.Option(help="Shipped mapping or a TOML file.")] = None,
    rate: Annotated[str, typer.Option(help="Events a second, max, or Nx the real speed.")] = "max",
    to: Annotated[str, typer.Option(help="kafka, or graph without Kafka.")] = "kafka",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the first events and what is wrong; send none.")
    ] = False,
    deny_list: Annotated[
        Path | None, typer.Option(help="What never connects anything, for detections here too.")
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Play events from files. Example: ringtrace replay tests/data/p2p --mapping p2p."""
    if to not in ("kafka", "graph"):
        raise typer.BadParameter("--to takes kafka or graph")
    if dry_run:
        print_dry_run(check_lines(read_lines(files, mapping), now_ms()))
        return
    world = open_world(data_dir)
    if deny_list is not None:
        world.keep_deny_list(deny_list)
    values, count = read_events(files, mapping)
    values = paced(values, rate)
    if to == "graph":
        total = _into_graph(world, values)
    else:
        with steps.progress_bar(out) as bar:
            task = bar.add_task("Playing into Kafka", total=count)
            brokers, topic = world.bootstrap_servers, world.ingest.topic
            ensure_topics(world.ingest, brokers)
            total = send(values, topic, brokers, lambda sent: bar.update(task, completed=sent))
    out.print(f"played {total} events")


def _into_graph(world: World, values: Iterable[bytes]) -> int:
    letters = DeadLetterFile(world.data_dir / "dead_letters.jsonl")
    stop = stop_event()
    with (
        world.store() as store,
        world.writer(store, letters) as writer,
        TemporaryFile(dir=world.data_dir) as spool,
    ):
        source = FileSource(values, world.ingest.batch_size, writer.hold, spool)
        with steps.progress_bar(out) as bar:
            task = bar.add_task("Writing the graph", total=len(source))
            run_ingest(
                source,
                writer,
                stop,
                world.ingest.checkpoint_seconds,
                lambda done: bar.advance(task, done.messages),
            )
    return len(source)


@app.command()
def detect(  # noqa: PLR0913  (options, which are always named)
    once: Annotated[bool, typer.Option("--once", help="One run (the default).")] = False,
    full: Annotated[bool, typer.Option("--full", help="Look at every account.")] = False,
    every: Annotated[float | None, typer.Option(help="Seconds between runs, for ever.")] = None,
    deny_list: Annotated[Path | None, typer.Option(help="What never connects anything.")] = None,
    as_of: AsOf = None,
    data_dir: DataDir = None,
    follow_stdin: FollowStdin = False,
) -> None:
    """Find, score and report rings. Example: ringtrace detect --full."""
    # imported here, and what serves below: an ingest that loads neither has 90 MB less
    from detection.pipeline import report
    from detection.scheduler import detect_once, keep_detecting

    if every is not None and (once or full or every <= 0):
        raise typer.BadParameter("--every takes seconds above 0 and goes without --once and --full")
    settings, world = DetectionSettings(), open_world(data_dir)
    if as_of is not None:
        with world.store_at(as_of, deny_list) as store:
            _print_rings(store, OutputFormat.TABLE, RiskLevel.LOW)
        return
    with world.store() as store:
        denied = world.denied(store, deny_list)
        if every is not None:
            stop = stop_event(follow_stdin=follow_stdin)
            keep_detecting(store, world.archive(), settings, every, stop, denied)
        else:
            run = detect_once(store, world.archive(), settings, full=full, denied=denied)
            report(run)
            if run is None:
                out.print("nothing was touched since the last run")


@app.command()
def deliver(data_dir: DataDir = None, follow_stdin: FollowStdin = False) -> None:
    """Deliver waiting webhooks until stopped. Example: ringtrace deliver."""
    stop = stop_event(follow_stdin=follow_stdin)
    with open_world(data_dir).store() as store:
        deliver_outbox(store, EscalationSettings(), stop)


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.")] = None,
    data_dir: DataDir = None,
    follow_stdin: FollowStdin = False,
) -> None:
    """Serve REST and the explorer. Example: ringtrace serve --port 8000."""
    import uvicorn

    from api.app import create_app

    api, world = ApiSettings(), open_world(data_dir)
    with world.store() as store, closing(_event_topic(world)) as topic:
        config = uvicorn.Config(
            create_app(
                store, api, ClearValues(world.keys_file, world.privacy), topic, world.archive()
            ),
            host=host or api.host,
            port=api.port if port is None else port,
            log_level="warning",
            log_config=None,
        )
        server = uvicorn.Server(config)
        if follow_stdin:
            when_stdin_ends(partial(setattr, server, "should_exit", True))
        server.run()


def _event_topic(world: World) -> EventTopic:
    # asked at the first event: everything else works without Kafka
    return EventTopic(world.ingest, lambda: world.bootstrap_servers)


@app.command()
def rings(
    output: Annotated[OutputFormat, typer.Option("--format")] = OutputFormat.TABLE,
    min_level: Annotated[RiskLevel, typer.Option(help="Lowest level to list.")] = RiskLevel.LOW,
    as_of: AsOf = None,
    data_dir: DataDir = None,
) -> None:
    """List open rings, riskiest first. Example: ringtrace rings --format jsonl."""
    with open_world(data_dir).store_at(as_of) as store:
        _print_rings(store, output, min_level)


def _print_rings(store: GraphStore, output: OutputFormat, min_level: RiskLevel) -> None:
    found = (RingOut.of(ring) for ring in all_rings(store, RingFilter(min_level)))
    columns = ["ring_id", "risk_score", "risk_level", "size", "identifiers", "last_seen"]
    print_listing(found, columns, output, "Rings")


@app.command()
def accounts(
    output: Annotated[OutputFormat, typer.Option("--format")] = OutputFormat.TABLE,
    flagged: Annotated[bool, typer.Option("--flagged", help="Only flagged ones.")] = False,
    as_of: AsOf = None,
    data_dir: DataDir = None,
) -> None:
    """List accounts with their scores. Example: ringtrace accounts --flagged --format csv."""
    with open_world(data_dir).store_at(as_of) as store:
        found = (AccountOut.of(account) for account in all_accounts(store, flagged))
        columns = ["account_id", "anomaly_score", "risk_score", "ring_ids", "flags", "event_count"]
        print_listing(found, columns, output, "Accounts")


def main() -> None:
    """Run a command; every failure is one line and exit code 1, or 2 for a wrong call."""
    try:
        app()
    except RingtraceError as error:
        _fail(str(error))
    except ValidationError as error:
        _fail("; ".join(_setting(error.title, detail) for detail in error.errors()))
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except Exception as error:  # a user gets a line, whatever it was
        logging.getLogger("ringtrace").debug("unexpected", exc_info=error)
        _fail(f"unexpected {type(error).__name__}: {error} (RINGTRACE_LOG_LEVEL=DEBUG says more)")


def _setting(title: str, detail: Any) -> str:
    name = ".".join(str(part) for part in detail["loc"])
    return f"{title}, setting {name}: {detail['msg']}"


def _fail(text: str) -> None:
    first = (text.splitlines() or ["failed"])[0]
    sys.stderr.write(f"ringtrace: {first}\n")
    raise SystemExit(1)
