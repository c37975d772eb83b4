"""The stages of a running service as child processes: each is a command of its own."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from graph.errors import RingtraceError
from graph.metrics import MetricsSettings

#: longest wait for a stage to end by itself, seconds
STOP_S = 30.0


class StageError(RingtraceError):
    """A stage ended although nobody stopped it."""


class Stages:
    """Running stages; they end when this process does, even if it is killed."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        #: where the stages show their metrics
        self.metrics: list[str] = []

    def start(self, stage: str, *arguments: str) -> None:
        """Start `ringtrace STAGE` for the same data folder."""
        command = [sys.executable, "-m", "api", stage, *arguments]
        settings, environment = MetricsSettings(), dict(os.environ)
        if port := settings.port_of(stage):
            environment["RINGTRACE_METRICS_PORT"] = str(port)
            self.metrics.append(f"http://{settings.host}:{port}/metrics")
        # a session of its own: Ctrl-C reaches this process, which stops them in order
        self._children[stage] = subprocess.Popen(
            [*command, "--data-dir", str(self._data_dir), "--follow-stdin"],
            stdin=subprocess.PIPE,
            env=environment,
            start_new_session=True,
        )

    def check(self) -> None:
        """Raise StageError when a stage has ended."""
        for stage, child in self._children.items():
            if child.poll() is not None:
                raise StageError(f"the stage {stage!r} ended with code {child.returncode}")

    def stop(self) -> None:
        """Ask every stage to end and wait for it."""
        for child in self._children.values():
            if child.stdin is not None:
                child.stdin.close()
        for child in self._children.values():
            try:
                child.wait(STOP_S)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


@contextmanager
def running_stages(data_dir: Path) -> Iterator[Stages]:
    """Stages that are stopped at the end, whatever happens."""
    stages = Stages(data_dir)
    try:
        yield stages
    finally:
        stages.stop()
