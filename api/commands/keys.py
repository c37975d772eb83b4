"""`ringtrace keys`: the keys that tokens and seals of identifiers are made with."""

from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from api.options import DataDir, open_world
from api.world import World
from graph.errors import NotFoundError, PrivacyError, RingtraceError
from graph.keyring import Keyring, add_version, load_keyring
from graph.pseudonyms import is_token
from graph.rekey import KeyArchive
from graph.rekey import rekey as change_keys
from graph.times import now_ms
from graph.world_keys import check_world

app = typer.Typer(help="Keys of tokenised identifiers.", no_args_is_help=True)
out = Console()


@app.command()
def status(data_dir: DataDir = None) -> None:
    """Say which keys there are and whether they are the graph's. Example: ringtrace keys status."""
    world = open_world(data_dir)
    if not world.keys_file.exists():
        raise PrivacyError(
            f"there is no key file {world.keys_file}: the first ingest of a new graph makes it; if "
            "this graph has one, restore it"
        )
    keyring = load_keyring(world.keys_file)
    _line("key file", str(world.keys_file))
    if world.keys_file.stat().st_mode & 0o077:
        _line("", "others on this machine can open it: chmod 600")
    for number, key in sorted(keyring.versions.items()):
        _line(f"version {number}", f"made {key.made_at}{_use(keyring, number)}")
    for kind, how in world.load_pseudonyms().privacy.items():
        _line(kind, how.value)
    try:
        with world.store() as store:
            check_world(store, keyring)
    except PrivacyError:
        raise
    except RingtraceError as error:
        _line("graph", f"not asked: {error}")
    else:
        _line("graph", "was written with these keys")


@app.command()
def rotate(data_dir: DataDir = None) -> None:
    """Make the next version, to be backed up before `rekey`. Example: ringtrace keys rotate."""
    world = open_world(data_dir)
    keyring = add_version(world.keys_file, now_ms())
    _line(f"version {keyring.pending}", f"is in {world.keys_file}; nothing uses it before a rekey")
    out.print("back the file up, then stop the ingest and run `ringtrace keys rekey`")


@app.command()
def rekey(data_dir: DataDir = None) -> None:
    """Give all identifiers tokens of the next version. Example: ringtrace keys rekey."""
    world = open_world(data_dir)
    with world.store() as store, Progress(console=out, disable=not out.is_terminal) as bar:
        task = bar.add_task("Renaming identifiers", total=None)
        done = change_keys(
            store,
            world.keys_file,
            world.privacy.kinds,
            now_ms(),
            _archive(world),
            lambda count: bar.advance(task, count),
        )
    for kind, count in done.renamed.items():
        _line(kind, f"{count} identifiers have tokens of version {done.version}")
    for kind, version in done.held.items():
        _line(kind, f"stays with version {version}: not every value of it is known")
    out.print("back the key file up, and start the services again")


@app.command()
def unseal(
    key: Annotated[str, typer.Argument(help="An identifier's key.")], data_dir: DataDir = None
) -> None:
    """Print the clear value of an identifier. Example: ringtrace keys unseal email:t1.…"""
    world = open_world(data_dir)
    with world.store() as store:
        rows = store.read("privacy/sealed_identifier", key=key)
    if not rows:
        raise NotFoundError("there is no such identifier")
    if not is_token(key):
        value = rows[0]["value"]
    elif rows[0]["sealed"] is None:
        raise PrivacyError(f"the value of {key} was never kept: its kind has tokens only")
    else:
        value = world.load_pseudonyms().unseal(key, rows[0]["sealed"])
    out.print(value, markup=False, highlight=False, soft_wrap=True)


def _archive(world: World) -> KeyArchive | None:
    archive = world.archive()
    return archive if isinstance(archive, KeyArchive) else None


def _use(keyring: Keyring, number: int) -> str:
    kinds = sorted(kind for kind, version in keyring.held.items() if version == number)
    uses = {keyring.version: ", current", keyring.pending: ", pending: nothing uses it yet"}
    return uses.get(number, "") + (f", tokens of {', '.join(kinds)}" if kinds else "")


def _line(name: str, text: str) -> None:
    out.print(f"{name:<20} {text}", markup=False, highlight=False, soft_wrap=True)
