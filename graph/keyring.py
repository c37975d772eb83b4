"""The key file: the secrets that tokens and seals are made with, by version.

Old versions stay in the file: what was sealed with them must stay readable, and kinds whose values
are not kept can never leave the version their tokens were made with.
"""

import base64
import fcntl
import hmac
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from graph.errors import PrivacyError
from graph.times import rfc3339

_MASTER_BYTES = 32
_FINGERPRINT = b"ringtrace fingerprint"


@dataclass(frozen=True, slots=True)
class KeyVersion:
    """The two keys of one version."""

    number: int
    #: when it was made, RFC 3339
    made_at: str
    token_key: bytes = field(repr=False)
    sealing_key: bytes = field(repr=False)


@dataclass(frozen=True)
class Keyring:
    """All versions of the keys, and which of them new tokens are made with."""

    #: where it came from, for messages
    path: Path
    version: int
    versions: Mapping[int, KeyVersion] = field(repr=False)
    #: a version that was made and that nothing uses yet
    pending: int | None = None
    #: kinds whose tokens stay with an older version
    held: Mapping[str, int] = field(default_factory=dict)

    @property
    def current(self) -> KeyVersion:
        """The version new tokens and seals are made with."""
        return self.versions[self.version]

    @cached_property
    def fingerprint(self) -> str:
        """What the graph remembers of the current version: neither the key nor a way to it."""
        return self.fingerprint_of(self.version)

    def fingerprint_of(self, version: int) -> str:
        """The same of any version."""
        digest = hmac.digest(self.versions[version].token_key, _FINGERPRINT, "sha256")[:16]
        return f"v{version}.{base64.urlsafe_b64encode(digest).decode().rstrip('=')}"

    def version_of(self, kind: str) -> int:
        """The version that tokens of a kind are made with."""
        return self.held.get(kind, self.version)


class _Key(msgspec.Struct, forbid_unknown_fields=True):
    master: str
    made_at: str


class _File(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    version: int
    keys: dict[str, _Key]
    pending: int | None = None
    held: dict[str, int] = {}


def load_keyring(path: Path) -> Keyring:
    """The keys of a file; PrivacyError when it is missing or damaged."""
    return _keyring(path, _read(path))


def make_keyring(path: Path, now: int) -> Keyring:
    """Make a file with a first version, or read the one that is there.

    `now` in milliseconds since 1970. The file is for this user only, and whole or not there at all.
    """
    with _locked(path):
        if not path.exists():
            _write(path, _File(1, {"1": _new_key(now)}))
        return load_keyring(path)


def add_version(path: Path, now: int) -> Keyring:
    """Add a pending version if there is none; nothing is made with it before `promote`."""
    with _locked(path):
        file = _read(path)
        number = max(_keyring(path, file).versions) + 1
        if file.pending is None:
            file.keys[str(number)] = _new_key(now)
            file.pending = number
            _write(path, file)
        return _keyring(path, file)


def promote(path: Path, version: int, held: Mapping[str, int]) -> Keyring:
    """Make a pending version the current one, but for the kinds that are `held` at another.

    A version that is the current one already stays as it is.
    """
    with _locked(path):
        file = _read(path)
        # a damaged file is left as it is
        _keyring(path, file)
        if file.pending == version:
            file.version, file.pending, file.held = version, None, dict(held)
            _write(path, file)
        return _keyring(path, file)


def _keyring(path: Path, file: _File) -> Keyring:
    try:
        versions = {int(n): _derive(int(n), key) for n, key in file.keys.items()}
    except ValueError as error:
        raise PrivacyError(f"the key file {path} is damaged: restore it") from error
    if not {file.version, file.pending or file.version, *file.held.values()} <= versions.keys():
        raise PrivacyError(f"the key file {path} names a version that is not in it: restore it")
    return Keyring(path, file.version, versions, file.pending, file.held)


def _derive(number: int, key: _Key) -> KeyVersion:
    master = base64.b64decode(key.master, altchars=b"-_", validate=True)
    if len(master) != _MASTER_BYTES or number < 1:
        raise ValueError("a master key has another length")
    token, seal = (
        HKDF(SHA256(), _MASTER_BYTES, salt=None, info=purpose).derive(master)
        for purpose in (b"ringtrace token", b"ringtrace seal")
    )
    return KeyVersion(number, key.made_at, token, seal)


def _new_key(now: int) -> _Key:
    master = base64.urlsafe_b64encode(secrets.token_bytes(_MASTER_BYTES)).decode()
    return _Key(master, rfc3339(now) or "")


def _read(path: Path) -> _File:
    try:
        return msgspec.json.decode(path.read_bytes(), type=_File)
    except FileNotFoundError:
        raise PrivacyError(f"the key file {path} is missing: restore it") from None
    except OSError as error:
        raise PrivacyError(f"the key file {path} cannot be read: {error.strerror}") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        # not the decoder's words: they could hold a part of the file
        raise PrivacyError(f"the key file {path} is damaged: restore it") from error


def _write(path: Path, file: _File) -> None:
    """Replace the file in one step, durably."""
    new = path.with_suffix(".new")
    try:
        with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
            os.fchmod(out.fileno(), 0o600)
            out.write(msgspec.json.format(msgspec.json.encode(file)) + b"\n")
            out.flush()
            os.fsync(out.fileno())
        new.replace(path)
        folder = os.open(path.parent, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)
    except OSError as error:
        raise PrivacyError(f"the key file {path} cannot be written: {error.strerror}") from error


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """One process at a time changes the files of a folder."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder = os.open(path.parent, os.O_RDONLY)
    except OSError as error:
        raise PrivacyError(f"the key folder {path.parent}: {error.strerror}") from error
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)
