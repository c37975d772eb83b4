import io
import json
import logging
import re
from collections.abc import Iterator

import pytest
import structlog
from pydantic import ValidationError

from graph.logs import HIDDEN, LogSettings, StateLog, configure_logs

log = logging.getLogger("ringtrace.test")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    root, ours = logging.getLogger(), logging.getLogger("ringtrace")
    before = (root.handlers, root.level, ours.level)
    yield
    root.handlers, root.level, ours.level = before
    structlog.reset_defaults()


def listen(**settings: str) -> io.StringIO:
    stream = io.StringIO()
    configure_logs(LogSettings.model_validate(settings), "ingest", stream)
    return stream


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_for_programs_has_its_fields() -> None:
    stream = listen()
    log.info("partition %d is at %d", 3, 17, extra={"partition": 3})
    structlog.get_logger("ringtrace.test").warning("careful", offset=17)
    first, second = lines(stream)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", str(first.pop("at")))
    assert first == {
        "message": "partition 3 is at 17",
        "partition": 3,
        "level": "info",
        "logger": "ringtrace.test",
        "stage": "ingest",
    }
    assert (second["message"], second["offset"], second["stage"]) == ("careful", 17, "ingest")


def test_a_terminal_gets_lines_for_people() -> None:
    stream = Terminal()
    configure_logs(LogSettings(), "ingest", stream)
    log.warning("graph is away")
    assert "graph is away" in stream.getvalue()
    assert "\x1b[" in stream.getvalue()
    assert not stream.getvalue().startswith("{")


@pytest.mark.parametrize(("wanted", "is_json"), [("console", False), ("json", True)])
def test_the_setting_decides_wherever_lines_go(wanted: str, is_json: bool) -> None:
    stream = Terminal()
    configure_logs(LogSettings.model_validate({"format": wanted}), "", stream)
    log.warning("graph is away")
    assert stream.getvalue().startswith("{") == is_json
    assert "stage" not in stream.getvalue()


def test_level_is_ours_and_clients_stay_quiet() -> None:
    stream = listen(level="info")
    for name in ("kafka.conn", "neo4j.io", "ringtrace.test"):
        logging.getLogger(name).debug("detail")
        logging.getLogger(name).error("trouble of %s", name)
    assert [line["logger"] for line in lines(stream)] == ["ringtrace.test"]
    stream = listen(level="debug")
    # at DEBUG the client logs whole records: people's data
    logging.getLogger("kafka.conn").debug("detail")
    logging.getLogger("kafka.conn").info("connected")
    assert [line["message"] for line in lines(stream)] == ["connected"]
    with pytest.raises(ValidationError, match="level"):
        LogSettings.model_validate({"level": "loud"})


def test_configuring_again_doubles_nothing() -> None:
    listen()
    stream = listen()
    log.warning("once")
    assert len(lines(stream)) == 1


@pytest.mark.parametrize("wanted", ["json", "console"])
def test_a_trace_shows_no_local_variable(wanted: str) -> None:
    stream = listen(format=wanted)
    card = "4242" + "424242"
    try:
        raise ValueError(f"{len(card)} digits")
    except ValueError as error:
        log.error("unexpected", exc_info=error)
    assert "ValueError: 10 digits" in stream.getvalue()
    assert card not in stream.getvalue()


def test_secrets_are_hidden_in_fields_and_in_texts() -> None:
    stream = listen()
    log.warning(
        "bolt://neo4j:hunter2@db:7687 and whsec_c2VjcmV0 at %s",
        "https://example.org/hook",
        extra={"webhook_secret": "hunter2", "where": "s3://key:hunter2@bucket/a"},
    )
    (line,) = lines(stream)
    assert line["message"] == f"bolt://{HIDDEN}@db:7687 and {HIDDEN} at https://example.org/hook"
    assert (line["webhook_secret"], line["where"]) == (HIDDEN, f"s3://{HIDDEN}@bucket/a")
    assert "hunter2" not in stream.getvalue()


def test_a_state_is_said_when_it_changes_and_not_between() -> None:
    stream, now = listen(), [100.0]
    state = StateLog(log, clock=lambda: now[0])
    state.back("graph")
    for _ in range(30):
        state.away("graph", "it does not answer")
        now[0] += 2
    state.away("broker", "refused")
    state.back("graph")
    state.back("graph")
    now[0] += 3.04
    state.all_back()
    state.all_back()
    assert [(line["what"], line["state"], line.get("seconds")) for line in lines(stream)] == [
        ("graph", "away", None),
        ("broker", "away", None),
        ("graph", "back", 60.0),
        ("broker", "back", 3.0),
    ]
    assert [line["message"] for line in lines(stream)][:3] == [
        "graph is away: it does not answer",
        "broker is away: refused",
        "graph is back after 60 s",
    ]
