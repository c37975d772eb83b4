"""What never connects anything: exchanges, kiosks, test cards, a company's own addresses."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from graph.errors import InputError
from graph.pseudonyms import Pseudonyms

_ACCOUNT = "account:"


@dataclass(frozen=True, slots=True)
class DenyList:
    """Identifiers and accounts that are passed over when links are made."""

    #: keys of identifiers
    keys: frozenset[str] = frozenset()
    account_ids: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.keys or self.account_ids)

    def with_keys(self, keys: Iterable[str]) -> "DenyList":
        """The same, and these identifiers too."""
        return replace(self, keys=self.keys.union(keys))


def load_deny_list(path: Path, pseudonyms: Pseudonyms) -> DenyList:
    """Read a file with an identifier's key, a clear value or an account id a line.

    `#` at the start of a line, or after a space, begins a comment. A line without a kind before it
    stands for the account and for the identifiers of every kind that it could mean; `account:ID`
    and `<kind>:VALUE` stand for one. Raises InputError for a file that cannot be read.
    """
    try:
        lines = path.read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
        raise InputError(f"the deny list {path} cannot be read: {why}") from error
    keys: set[str] = set()
    account_ids: set[str] = set()
    for line in lines:
        text = line if not line.startswith("#") else ""
        text = text.split(" #")[0].strip()
        if text.startswith(_ACCOUNT):
            account_ids.add(text.removeprefix(_ACCOUNT))
        elif text:
            keys.update(pseudonyms.keys_of(text))
            if text.partition(":")[0] not in pseudonyms.privacy:
                account_ids.add(text)
    return DenyList(frozenset(keys), frozenset(account_ids))
