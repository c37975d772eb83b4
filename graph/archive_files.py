"""Where the archive's files are: a folder of this machine, or a bucket through fsspec."""

import contextlib
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa

from graph.errors import ArchiveError, SettingsError

#: how names of unfinished files and folders begin: never listed, and nobody else's, so that they
#: can be deleted in a folder that holds other things too
_UNFINISHED = ".ringtrace-unfinished-"


class Files(Protocol):
    """Named files that never change once they are there; names are relative, with slashes.

    Every method raises ArchiveError when the storage is full or does not answer.
    """

    def create(self, name: str, data: bytes | pa.Buffer) -> bool:
        """Make a file, durably and whole or not at all; False when the name is taken."""

    def put(self, finished: Path, name: str) -> None:
        """Take over a local file under a name that nobody else uses, durably."""

    def read(self, name: str) -> bytes:
        """The whole of a file; FileNotFoundError when it is gone."""

    def open(self, name: str) -> Any:
        """A readable, seekable file object; FileNotFoundError when it is gone."""

    def names(self, folder: str) -> list[str]:
        """Every file below a folder, sorted."""

    def delete(self, names: Iterable[str]) -> None:
        """Remove files; those that are gone are no error."""

    def location(self, name: str) -> str:
        """Path or address by which any engine opens a file."""

    def workspace(self) -> contextlib.AbstractContextManager[Path]:
        """A local folder for what is not finished; it goes away at the end."""

    def delete_unfinished(self, before: int) -> None:
        """Remove what killed processes left before an instant, milliseconds since 1970."""


def open_files(url: str, options: dict[str, Any]) -> Files:
    """The storage behind a path or an fsspec address; `options` go to its fsspec class."""
    scheme, separator, rest = url.partition("://")
    if not separator:
        return Folder(Path(url))
    return Folder(Path(rest)) if scheme == "file" else Bucket(url, options)


class Folder:
    """Files in a folder of this machine."""

    def __init__(self, root: Path) -> None:
        self._root = root.expanduser().absolute()

    def create(self, name: str, data: bytes | pa.Buffer) -> bool:
        """Make a file; the name appears only when the contents are on the disk."""
        path = self._root / name
        with _telling(self._root):
            _make_folder(path.parent)
            unfinished = path.with_name(f"{_UNFINISHED}{uuid.uuid4().hex}")
            try:
                descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
                with open(descriptor, "wb") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                try:
                    os.link(unfinished, path)
                except FileExistsError:
                    return False
            finally:
                unfinished.unlink(missing_ok=True)
            _sync(path.parent)
        return True

    def put(self, finished: Path, name: str) -> None:
        """Move a local file of the same disk here."""
        path = self._root / name
        with _telling(self._root):
            _make_folder(path.parent)
            _sync(finished)
            finished.rename(path)
            _sync(path.parent)

    def read(self, name: str) -> bytes:
        """The whole of a file."""
        with _telling(self._root):
            return (self._root / name).read_bytes()

    def open(self, name: str) -> Any:
        """A file object."""
        with _telling(self._root):
            return (self._root / name).open("rb")

    def names(self, folder: str) -> list[str]:
        """Every file below a folder; unfinished ones are left out."""
        with _telling(self._root):
            top = str(self._root)
            found = (
                os.path.relpath(os.path.join(where, file), top)
                for where, _, files in os.walk(self._root / folder, onerror=_raise)
                for file in files
                if file.endswith((".parquet", ".json"))
            )
            return sorted(name.replace(os.sep, "/") for name in found)

    def delete(self, names: Iterable[str]) -> None:
        """Remove files."""
        with _telling(self._root):
            for name in names:
                (self._root / name).unlink(missing_ok=True)

    def location(self, name: str) -> str:
        """The absolute path."""
        return str(self._root / name)

    @contextlib.contextmanager
    def workspace(self) -> Iterator[Path]:
        """A folder on the archive's own disk."""
        with _telling(self._root):
            _make_folder(self._root)
            work = tempfile.TemporaryDirectory(prefix=_UNFINISHED, dir=self._root)
        with work as folder:
            yield Path(folder)

    def delete_unfinished(self, before: int) -> None:
        """Remove what killed processes left."""
        with _telling(self._root):
            for where, folders, files in os.walk(self._root, onerror=_raise):
                for path in (Path(where, n) for n in folders + files if n.startswith(_UNFINISHED)):
                    with contextlib.suppress(FileNotFoundError):
                        if path.stat().st_mtime * 1000 < before:
                            shutil.rmtree(path) if path.is_dir() else path.unlink()
                folders[:] = [name for name in folders if not name.startswith(_UNFINISHED)]


class Bucket:
    """Files in an object store."""

    def __init__(self, url: str, options: dict[str, Any]) -> None:
        try:
            import fsspec  # type: ignore[import-untyped,unused-ignore]

            # what others wrote a moment ago must be seen: no cache of listings
            filesystem, root = fsspec.url_to_fs(
                url, **{"use_listings_cache": False, "skip_instance_cache": True} | options
            )
        except (ImportError, ValueError, TypeError) as error:
            raise SettingsError(f"the archive cannot be at {url}: {_first_line(error)}") from error
        #: to be registered with an engine that shall read `location`
        self.filesystem = filesystem
        self._scheme = url.partition("://")[0]
        self._root = root.rstrip("/")
        self._url = url
        self._is_checked = False

    def create(self, name: str, data: bytes | pa.Buffer) -> bool:
        """Make an object; the store itself refuses a second one (a conditional PUT)."""
        self._check_refuses()
        return self._create(name, data)

    def put(self, finished: Path, name: str) -> None:
        """Upload a local file and remove it here."""
        with _telling(self._url):
            self.filesystem.put_file(str(finished), f"{self._root}/{name}")
        finished.unlink()

    def read(self, name: str) -> bytes:
        """The whole of an object."""
        with _telling(self._url):
            data: bytes = self.filesystem.cat_file(f"{self._root}/{name}")
            return data

    def open(self, name: str) -> Any:
        """A file object that reads ranges."""
        with _telling(self._url):
            return self.filesystem.open(f"{self._root}/{name}", "rb")

    def names(self, folder: str) -> list[str]:
        """Every object below a prefix."""
        with _telling(self._url):
            found = self.filesystem.find(f"{self._root}/{folder}")
        return sorted(path[len(self._root) + 1 :] for path in found)

    def delete(self, names: Iterable[str]) -> None:
        """Remove objects."""
        with _telling(self._url):
            for name in names:
                with contextlib.suppress(FileNotFoundError):
                    self.filesystem.rm_file(f"{self._root}/{name}")

    @contextlib.contextmanager
    def workspace(self) -> Iterator[Path]:
        """A folder of this machine."""
        with tempfile.TemporaryDirectory() as folder:
            yield Path(folder)

    def delete_unfinished(self, before: int) -> None:
        """Objects appear whole: there is nothing."""

    def location(self, name: str) -> str:
        """The address."""
        return f"{self._scheme}://{self._root}/{name}"

    def _create(self, name: str, data: bytes | pa.Buffer) -> bool:
        with _telling(self._url):
            try:
                self.filesystem.pipe_file(f"{self._root}/{name}", bytes(data), mode="create")
            except FileExistsError:
                return False
            except OSError as error:
                if _is_refusal(error):
                    return False
                raise
        return True

    def _check_refuses(self) -> None:
        # some stores ignore the condition: two writers would overwrite each other unseen
        if self._is_checked:
            return
        name = f"probe/{uuid.uuid4().hex}"
        try:
            if not self._create(name, b"1") or self._create(name, b"2"):
                raise SettingsError(
                    f"the store at {self._url} overwrites objects although told not to "
                    "(If-None-Match): an archive would not be safe there"
                )
        finally:
            self.delete([name])
        self._is_checked = True


@contextlib.contextmanager
def _telling(where: object) -> Iterator[None]:
    """Any failure of the storage as one line; what is missing or taken stays what it is."""
    try:
        yield
    except (FileNotFoundError, FileExistsError, ArchiveError):
        raise
    except Exception as error:
        # not only OSError: each store's client has errors of its own
        raise ArchiveError(f"the archive at {where} failed: {_first_line(error)}") from error


def _is_refusal(error: OSError) -> bool:
    # s3fs tells of an unmet condition as of any wrong call; what the store said is the cause
    said = getattr(error.__cause__, "response", None) or {}
    return said.get("Error", {}).get("Code") in ("PreconditionFailed", "ConditionalRequestConflict")


def _first_line(error: BaseException) -> str:
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return str(reason).strip().splitlines()[0]


def _raise(error: OSError) -> None:
    # a folder may go away while it is walked; one that cannot be read must not look empty
    if not isinstance(error, FileNotFoundError):
        raise error


def _make_folder(folder: Path) -> None:
    if not folder.is_dir():
        _make_folder(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)
        _sync(folder.parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
