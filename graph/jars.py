"""Jars of a Java server: fetched once for each user, and the very ones the lock file names."""

import errno
import fcntl
import hashlib
import logging
import os
import tempfile
import tomllib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from graph.errors import ServerError

log = logging.getLogger("ringtrace.servers")

_PARALLEL_FETCHES = 8


def cache_dir() -> Path:
    """The folder of this user for what can be fetched again."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "ringtrace"


def fetch_jars(name: str, lock: Path) -> list[Path]:
    """The jars of a lock file, fetched and checked if they are not here yet.

    A folder appears under its name only when it is whole and checked, so later starts need not
    look again; it is named after the lock file's contents, so new versions get a new one.
    """
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()[:16]
    folder = cache_dir() / "jars" / f"{lock.stem}-{digest}"
    try:
        if not folder.is_dir():
            folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            # one fetch of these at a time, in whichever process
            with folder.with_suffix(".lock").open("wb") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                if not folder.is_dir():
                    _fill(folder, name, lock)
    except OSError as error:
        raise ServerError(
            f"the jars of {name} cannot be kept in {folder.parent} ({error.strerror or error}): "
            "make room there, or point XDG_CACHE_HOME elsewhere"
        ) from error
    return sorted(folder.glob("*.jar"))


def write_lock(
    coordinates: Sequence[str],
    lock: Path,
    alone: Sequence[str] = (),
    besides: Path | None = None,
) -> None:
    """Resolve the coordinates and write the lock file anew; for maintainers.

    Jars named in `alone` come without dependencies and have no say in the versions of others.
    What the lock file `besides` names, in whichever version, is left out: for a plugin, whose
    server has these.
    """
    from jgo.env import EnvironmentBuilder

    parts = ("groupId", "artifactId", "version", "classifier")
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        maven = _maven(work)
        builder = EnvironmentBuilder(context=maven, cache_dir=work / "environment")
        jars = [*builder.from_endpoint("+".join(coordinates)).all_jars]
        jars += [_resolve(maven, coordinate) for coordinate in alone]
        hashes = {jar.name: _sha256(jar) for jar in jars}
        [listing] = work.rglob("jgo.lock.toml")
        entries = tomllib.loads(listing.read_text("utf-8"))["dependencies"]
    names = [":".join(entry[part] for part in parts if entry.get(part)) for entry in entries]
    if besides is not None:
        there = {_without_version(line) for line in besides.read_text("utf-8").splitlines()}
        names = [name for name in names if _without_version(name) not in there]
    lines = [f"{name} {hashes[_file_name(name)]}\n" for name in sorted([*names, *alone])]
    lock.write_text("".join(lines), "utf-8")


def _fill(folder: Path, name: str, lock: Path) -> None:
    log.info("fetching %s into %s, once for this user", name, folder.parent)
    # what was fetched and checked before a break-off stays good
    checked = folder.with_suffix(".part")
    checked.mkdir(mode=0o700, exist_ok=True)
    lines = [line.split() for line in lock.read_text("utf-8").splitlines()]
    missing = [line for line in lines if not (checked / _file_name(line[0])).exists()]
    # not the user's own ~/.m2: a download that was broken off there would stay broken
    with (
        tempfile.TemporaryDirectory(dir=folder.parent) as work,
        ThreadPoolExecutor(_PARALLEL_FETCHES) as pool,
    ):
        maven = _maven(Path(work))
        fetches = [
            pool.submit(_fetch, maven, coordinate, sha256, checked)
            for coordinate, sha256 in missing
        ]
        try:
            for fetch in fetches:
                fetch.result()
        except (OSError, RuntimeError) as error:
            raise _not_fetched(name, error, folder) from error
        finally:
            pool.shutdown(cancel_futures=True)
    checked.rename(folder)


def _maven(work: Path) -> Any:
    from jgo.constants import MAVEN_CENTRAL_URL
    from jgo.maven import MavenContext

    # all that matters of what it has to say is in its exceptions
    logging.getLogger("jgo").setLevel(logging.CRITICAL)
    return MavenContext(
        repo_cache=work / "maven", remote_repos={"central": MAVEN_CENTRAL_URL}, timeout=30
    )


def _fetch(maven: Any, coordinate: str, sha256: str, checked: Path) -> None:
    jar = _resolve(maven, coordinate)
    if _sha256(jar) != sha256:
        raise ServerError(
            f"{jar.name} as fetched is not the file that Ringtrace was made with: nothing was run; "
            "start again, and if it stays so ask who runs your network's proxy"
        )
    jar.rename(checked / jar.name)


def _resolve(maven: Any, coordinate: str) -> Path:
    group, artifact, version, *classifier = coordinate.split(":")
    component = maven.project(group, artifact).at_version(version)
    jar: Path = component.artifact(*classifier).resolve()
    return jar


def _not_fetched(name: str, error: Exception, folder: Path) -> ServerError:
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return ServerError(
            f"the jars of {name} do not fit into {folder.parent}: the disk is full; "
            "make room there, or point XDG_CACHE_HOME elsewhere"
        )
    # an OSError's own text is a page of addresses here
    reason = type(error).__name__ if isinstance(error, OSError) else str(error)
    reason = reason.partition(" in remote repositories")[0]
    return ServerError(
        f"the jars of {name} cannot be fetched from Maven Central ({reason}): "
        "check the network or its proxy (HTTPS_PROXY, REQUESTS_CA_BUNDLE) and start again"
    )


def _without_version(line: str) -> tuple[str, ...]:
    group, artifact, _, *classifier = line.split()[0].split(":")
    return group, artifact, *classifier


def _file_name(coordinate: str) -> str:
    return "-".join(coordinate.split(":")[1:]) + ".jar"


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
