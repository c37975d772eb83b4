"""Which keys a graph was written with: other keys would give every known value a second node.

The graph remembers a fingerprint of its keys. Whoever writes identifiers looks at it in the
transaction that writes them, under a lock that a change of keys waits for.
"""

from collections.abc import Callable
from pathlib import Path

from graph.errors import PrivacyError, StoreAwayError, StoreError
from graph.keyring import Keyring, load_keyring, make_keyring
from graph.kinds import Privacy
from graph.pseudonyms import Pseudonyms
from graph.settings import PrivacySettings
from graph.store import GraphStore, Row, Transaction


def keys_file(data_dir: Path, settings: PrivacySettings) -> Path:
    """Where the keys of a data folder are."""
    return (settings.keys_file or data_dir / "keys" / "pseudonyms.json").expanduser()


def open_pseudonyms(
    store: GraphStore, data_dir: Path, settings: PrivacySettings, now: int
) -> Pseudonyms:
    """The pseudonyms of a graph; its very first use makes the key file (`now` in milliseconds).

    Raises PrivacyError when the key file is lost or another graph's, or when the settings want in
    clear what this graph holds as tokens, or the other way round.
    """
    path = keys_file(data_dir, settings)
    is_new = read_world(store)["fingerprint"] is None
    keyring = make_keyring(path, now) if is_new else load_keyring(path)
    check_world(store, keyring)
    pseudonyms = Pseudonyms(keyring, settings.kinds, settings.phone_region)
    _check_kinds(store, pseudonyms)
    return pseudonyms


def read_world(store: GraphStore) -> Row:
    """{fingerprint, rekeying_to, rekeying_kinds} of the graph; StoreError when it has no schema."""
    rows = store.read("privacy/read_world")
    if not rows:
        raise StoreError("the graph has no schema yet: run `ringtrace schema apply`")
    return rows[0]


def check_world(store: GraphStore, keyring: Keyring) -> None:
    """PrivacyError unless the graph was written with these keys; a new graph is theirs now."""
    row = read_world(store)
    if row["fingerprint"] is None:
        fingerprint = keyring.fingerprint
        row = store.write(lambda tx: tx.run("privacy/claim_world", fingerprint=fingerprint))[0]
    _check(row, keyring)


def join_world(tx: Transaction, keyring: Keyring) -> None:
    """Before a writer takes partitions, in that transaction: PrivacyError if the keys changed."""
    _check_again(tx.run("privacy/lock_world")[0], keyring)


def check_keys(tx: Transaction, keyring: Keyring, positions: list[Row]) -> None:
    """First in every transaction that writes keys of identifiers: PrivacyError if they changed.

    `positions` are the writer's own, as {topic_id, partition}, sorted; there is at least one.
    """
    _check_again(tx.run("privacy/lock_writer", rows=positions)[0], keyring)


def while_keys_stay(
    store: GraphStore, keyring: Keyring, positions: list[Row], work: Callable[[], None]
) -> None:
    """Do what writes keys elsewhere, such as into the archive, while nobody can change them.

    PrivacyError if they were changed; `positions` as for `check_keys`. When the graph goes away in
    the midst of it, the work may be done again.
    """

    def locked(tx: Transaction) -> None:
        check_keys(tx, keyring, positions)
        work()

    store.write(locked)


def keep_keys(tx: Transaction, fingerprint: str | None) -> None:
    """First in a transaction that writes what was read before: the keys must still be the same.

    Raises StoreAwayError otherwise: read again and repeat.
    """
    row = tx.run("privacy/lock_world")[0]
    if row["rekeying_to"] is not None or row["fingerprint"] != fingerprint:
        raise StoreAwayError("the keys of the graph's identifiers are being changed")


def _check_again(row: Row, keyring: Keyring) -> None:
    """For a writer whose keys were the graph's when it started."""
    _check_not_changing(row)
    if row["fingerprint"] != keyring.fingerprint:
        raise PrivacyError("the keys of this graph were changed meanwhile: start again")


def _check_not_changing(row: Row) -> None:
    if row["rekeying_to"] is not None:
        raise PrivacyError(
            "the keys of this graph are being changed: wait for `ringtrace keys rekey` to end, or "
            "run it again if it was stopped"
        )


def _check(row: Row, keyring: Keyring) -> None:
    _check_not_changing(row)
    if row["fingerprint"] == keyring.fingerprint:
        return
    older = [n for n in keyring.versions if keyring.fingerprint_of(n) == row["fingerprint"]]
    if not older:
        raise PrivacyError(
            f"the key file {keyring.path} is not the one this graph was written with: restore it"
        )
    if older[0] == keyring.pending:
        raise PrivacyError(
            f"the key file {keyring.path} is older than the graph, whose keys were changed to "
            f"version {older[0]}: copy the newest one"
        )
    raise PrivacyError(
        f"the graph was written with version {older[0]} of the keys, and {keyring.path} is at "
        f"{keyring.version}: run `ringtrace keys rekey`"
    )


def _check_kinds(store: GraphStore, pseudonyms: Pseudonyms) -> None:
    for row in store.read("privacy/first_of_kinds", kinds=list(pseudonyms.privacy)):
        name, wanted = row["kind"], pseudonyms.privacy[row["kind"]]
        if row["is_token"] == (wanted is not Privacy.CLEAR):
            continue
        there = "as tokens" if row["is_token"] else "in clear"
        keep = "token" if row["is_token"] else "clear"
        raise PrivacyError(
            f"this graph holds {name} identifiers {there} and the settings say {wanted}: set "
            f'RINGTRACE_PRIVACY_KINDS to {{"{name}": "{keep}"}}, or use a new graph'
        )
