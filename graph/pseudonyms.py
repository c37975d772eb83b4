"""Pseudonyms: what stands in the graph and the archive in the place of personal identifiers.

A token is a keyed hash of a value: the same value always has the same token, and without the key
nobody can try values out. A seal is the value itself, encrypted for those who hold the key file.
"""

import base64
import binascii
import hmac
import os
import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from graph.errors import PrivacyError, SettingsError
from graph.keyring import Keyring, load_keyring
from graph.kinds import IdentifierKind, Privacy, identifier_kinds
from graph.normalise import NormaliseError, normalise
from graph.settings import PrivacySettings

#: half of HMAC-SHA-256's output, the least that RFC 2104 section 5 allows
_TOKEN_BYTES = 16
#: random; one key may seal 2^32 values before two nonces may meet (NIST SP 800-38D, 8.3)
_NONCE_BYTES = 12
#: tokens kept in memory, about 300 bytes each; a new one takes 3 µs
_CACHED = 20_000
#: characters of a token that people see in the place of a value
_SHOWN = 6

_TOKEN = re.compile(r"t[1-9][0-9]*\.[A-Za-z0-9_-]{22}\Z")
_SEALED = re.compile(r"s([1-9][0-9]{0,8})\.([A-Za-z0-9_-]+)\Z")


class Pseudonyms:
    """Keys and seals of identifiers; safe to share between threads."""

    def __init__(
        self,
        keyring: Keyring,
        privacy: Mapping[str, str] | None = None,
        phone_region: str | None = None,
    ) -> None:
        """`privacy` overrides identifier_kinds.toml: kind to clear, token or token+sealed."""
        self.keyring = keyring
        self.privacy = _privacy(privacy or {})
        self.phone_region = phone_region
        self._clear = {name for name, how in self.privacy.items() if how is Privacy.CLEAR}
        self._token = lru_cache(maxsize=_CACHED)(self._current_token)
        self._ciphers = {n: AESGCM(key.sealing_key) for n, key in keyring.versions.items()}

    @property
    def is_on(self) -> bool:
        """Whether any kind is hidden at all."""
        return len(self._clear) < len(self.privacy)

    def key(self, kind: IdentifierKind, value: str) -> str:
        """The key of a normalised value: `<kind>:<value>`, or with a token in the value's place."""
        if kind.name in self._clear:
            return f"{kind.name}:{value}"
        return self._token(kind.name, value)

    def token(self, kind: str, value: str, version: int) -> str:
        """The key of a normalised value with the token of a given version."""
        text = f"{kind}\0{value}".encode()
        digest = hmac.digest(self.keyring.versions[version].token_key, text, "sha256")
        return f"{kind}:t{version}.{_encode(digest[:_TOKEN_BYTES])}"

    def seal(self, kind: IdentifierKind, value: str, key: str) -> str | None:
        """A value encrypted and tied to its identifier; None for kinds that are not sealed."""
        if self.privacy[kind.name] is not Privacy.TOKEN_SEALED:
            return None
        return self.seal_bytes(value.encode(), key.encode())

    def unseal(self, key: str, sealed: str) -> str:
        """The value of an identifier; PrivacyError when our keys do not open it."""
        return self.unseal_bytes(sealed, key.encode()).decode()

    def seal_bytes(self, data: bytes, about: bytes) -> str:
        """Anything, encrypted, as text: only with the same `about` it can be opened."""
        nonce = os.urandom(_NONCE_BYTES)
        version = self.keyring.version
        return f"s{version}.{_encode(nonce + self._ciphers[version].encrypt(nonce, data, about))}"

    def unseal_bytes(self, sealed: str, about: bytes) -> bytes:
        """What was sealed; PrivacyError, which does not repeat it, when our keys do not open it."""
        subject = about.decode("utf-8", "replace")
        match = _SEALED.match(sealed)
        if match is None:
            raise PrivacyError(f"what is sealed about {subject} is damaged")
        cipher = self._ciphers.get(int(match[1]))
        if cipher is None:
            path = self.keyring.path
            raise PrivacyError(
                f"{subject} was sealed with version {match[1]}, which is not in {path}"
            )
        try:
            data = _decode(match[2])
            return cipher.decrypt(data[:_NONCE_BYTES], data[_NONCE_BYTES:], about)
        except (InvalidTag, ValueError) as error:
            raise PrivacyError(
                f"what is sealed about {subject} does not belong to it or was changed"
            ) from error

    def keys_of(self, text: str) -> list[str]:
        """Every key that a text could mean: a key as it is, or a clear value of any kind.

        A value of a tokenised kind has one key for each version there is, the current one first.
        """
        text = text.encode("utf-8", "replace").decode().strip()
        name, colon, rest = text.partition(":")
        if colon and name in self.privacy:
            if name not in self._clear and _TOKEN.match(rest):
                return [text]
            # an IPv6 network is a key but no address
            as_it_is = [f"{name}:{rest}"] if name in self._clear else []
            return list(dict.fromkeys([*self._keys(name, rest), *as_it_is]))
        return [key for kind in self.privacy for key in self._keys(kind, text)]

    def _keys(self, kind: str, text: str) -> list[str]:
        try:
            value = normalise(identifier_kinds()[kind].normaliser, text, self.phone_region)
        except NormaliseError:
            return []
        if not value:
            return []
        if kind in self._clear:
            return [f"{kind}:{value}"]
        first = self.keyring.version_of(kind)
        others = sorted(self.keyring.versions.keys() - {first}, reverse=True)
        return [self.token(kind, value, version) for version in (first, *others)]

    def _current_token(self, kind: str, value: str) -> str:
        return self.token(kind, value, self.keyring.version_of(kind))


def load_pseudonyms(path: Path, settings: PrivacySettings) -> Pseudonyms:
    """The pseudonyms of a key file; PrivacyError when it is missing or damaged.

    Only for looking up: who writes takes `graph.world_keys.open_pseudonyms`.
    """
    return Pseudonyms(load_keyring(path), settings.kinds, settings.phone_region)


def is_token(key: str) -> bool:
    """Whether an identifier's key holds a token of any version.

    >>> is_token("email:t1.AAAAAAAAAAAAAAAAAAAAAA"), is_token("device:t1")
    (True, False)
    """
    return _TOKEN.match(key.partition(":")[2]) is not None


def label(key: str, value: str | None) -> str:
    """What people see of an identifier: its value, or its kind and the start of its token.

    >>> label("device:d-4", "d-4"), label("payment_instrument:t1.AbCdEfGhIjKlMnOpQrStUv", None)
    ('d-4', 'payment instrument AbCdEf…')
    """
    if value is not None:
        return value
    kind, _, rest = key.partition(":")
    return f"{kind.replace('_', ' ')} {rest.partition('.')[2][:_SHOWN]}…"


def _privacy(override: Mapping[str, str]) -> dict[str, Privacy]:
    kinds = identifier_kinds()
    if unknown := sorted(set(override) - set(kinds)):
        raise SettingsError(f"RINGTRACE_PRIVACY_KINDS: there is no kind {unknown[0]!r}")
    try:
        return {name: Privacy(override.get(name, kind.privacy)) for name, kind in kinds.items()}
    except ValueError as error:
        allowed = ", ".join(Privacy)
        raise SettingsError(f"RINGTRACE_PRIVACY_KINDS: {error}; it takes {allowed}") from error


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _decode(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError("this is no base64url") from error
