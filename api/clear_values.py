"""Clear values in requests: people type an address or a card number, the graph holds a token."""

import threading
from pathlib import Path

from graph.pseudonyms import Pseudonyms, load_pseudonyms
from graph.settings import PrivacySettings


class ClearValues:
    """Finds the keys that a text could mean, with the key file as it is at that moment."""

    def __init__(self, path: Path | None = None, settings: PrivacySettings | None = None) -> None:
        self._path = path
        self._settings = settings or PrivacySettings()
        self._lock = threading.Lock()
        self._version: tuple[int, int] | None = None
        self._pseudonyms: Pseudonyms | None = None

    def keys_of(self, text: str) -> list[str]:
        """Keys of identifiers, likeliest first; without a key file only the text itself."""
        pseudonyms = self._current()
        return pseudonyms.keys_of(text) if pseudonyms else [text.strip()]

    def _current(self) -> Pseudonyms | None:
        if self._path is None or not self._path.exists():
            return None
        status = self._path.stat()
        version = (status.st_mtime_ns, status.st_ino)
        with self._lock:
            if version != self._version:
                self._pseudonyms = load_pseudonyms(self._path, self._settings)
                self._version = version
            return self._pseudonyms
