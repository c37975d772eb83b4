import http.client
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from prometheus_client import (
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.parser import text_string_to_metric_families

from graph import metrics
from graph.metrics import DECLARED, MetricsSettings
from tests.conftest import free_port

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
KINDS = {"counter": Counter, "gauge": Gauge, "histogram": Histogram}

#: a stage in small: it sets a number, shows its metrics until its standard input ends
STAGE = """
import sys
from graph.metrics import BATCH_SECONDS, DEAD_LETTERS, MetricsSettings, serve_metrics
serve_metrics(MetricsSettings())
DEAD_LETTERS.labels("invalid_json").inc(3)
BATCH_SECONDS.labels("decode").observe(0.02)
print("ready", flush=True)
sys.stdin.read()
"""


def test_names_say_what_and_in_which_unit() -> None:
    names = [each.name for each in DECLARED]
    assert len(set(names)) == len(names)
    for each in DECLARED:
        assert re.fullmatch(r"ringtrace_[a-z]+(_[a-z]+)*", each.name), each.name
        assert each.name.endswith("_total") == (each.kind == "counter"), each.name
        assert each.kind != "histogram" or each.name.endswith("_seconds"), each.name
        assert re.fullmatch(r"[A-Z].+\.", each.sentence), each.name


def test_what_is_declared_is_counted_somewhere() -> None:
    stages = ("graph", "ingest", "detection", "api")
    code = "".join(path.read_text() for stage in stages for path in (ROOT / stage).rglob("*.py"))
    code = code.replace((ROOT / "graph" / "metrics.py").read_text(), "")
    names = [name for name, it in vars(metrics).items() if type(it) in KINDS.values()]
    assert len(names) > 15
    verbs = "labels|inc|set|observe|time"
    assert [name for name in names if not re.search(rf"\b{name}\.({verbs})\b", code)] == []


def test_what_is_declared_is_what_a_process_shows() -> None:
    shown = {family.name: family for family in REGISTRY.collect()}
    own = {name for name in shown if name.startswith("ringtrace_")}
    declared = {each.name.removesuffix("_total"): each for each in DECLARED}
    assert own <= set(declared)
    for name in own:
        assert shown[name].documentation == declared[name].sentence
        assert shown[name].type == declared[name].kind


def test_a_process_shows_its_metrics_over_http(tmp_path: Path) -> None:
    port = free_port()
    environment = {"RINGTRACE_METRICS_PORT": str(port), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", STAGE]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
        cwd=tmp_path,
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
        connection.close()
        second = subprocess.run(
            command, input=b"", capture_output=True, env=environment, cwd=tmp_path, check=False
        )
        child.communicate(b"")
    samples = {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert samples["ringtrace_dead_letters_total", "invalid_json"] == 3
    assert samples["ringtrace_batch_seconds_sum", "decode"] == pytest.approx(0.02)
    assert samples["ringtrace_batch_seconds_bucket", "0.03", "decode"] == 1
    assert samples["process_resident_memory_bytes",] > 1_000_000
    assert not any(name.endswith("_created") for name, *_ in samples)
    # the second one of the same settings goes on without
    assert second.returncode == 0
    assert b"another one shows its" in second.stderr


def test_stages_that_run_together_take_ports_in_a_row() -> None:
    settings = MetricsSettings(port=9400)
    ports = [settings.port_of(stage) for stage in ("ingest", "detect", "deliver", "serve")]
    assert ports == [9400, 9401, 9402, 0]
    assert MetricsSettings(port=0).port_of("detect") == 0


@pytest.mark.extra
def test_prometheus_finds_nothing_to_complain_of() -> None:
    promtool = shutil.which("promtool")
    assert promtool is not None, "promtool is missing: Debian's package is prometheus"
    config = [promtool, "check", "config", "--syntax-only", str(ROOT / "deploy/prometheus.yml")]
    checked = subprocess.run(config, capture_output=True, check=False)
    assert checked.returncode == 0, checked.stdout
    registry = CollectorRegistry()
    for each in DECLARED:
        made = KINDS[each.kind](each.name, each.sentence, each.labels, registry=registry)
        if each.labels:
            made.labels(*each.labels)
    text = generate_latest(registry)
    checked = subprocess.run(
        [promtool, "check", "metrics"], input=text, capture_output=True, check=False
    )
    assert (checked.returncode, checked.stderr) == (0, b"")


def metrics_table() -> str:
    lines = ["| metric | kind | labels | meaning |", "|---|---|---|---|"]
    lines += [
        f"| `{each.name}` | {each.kind} | {', '.join(each.labels)} | {each.sentence} |"
        for each in DECLARED
    ]
    return "\n".join(lines) + "\n"


def test_metrics_table_is_current() -> None:
    text = README.read_text("utf-8")
    pattern = re.compile(r"(<!-- metrics[^\n]*-->\n)(.*?)(<!-- end of metrics -->)", re.S)
    found = pattern.search(text)
    assert found is not None, "README.md needs the lines <!-- metrics … --> and <!-- end of … -->"
    if found[2] != metrics_table():
        README.write_text(pattern.sub(lambda m: m[1] + metrics_table() + m[3], text), "utf-8")
        pytest.fail("the metrics table in README.md was out of date; it is written anew, commit it")
