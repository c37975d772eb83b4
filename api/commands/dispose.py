"""`ringtrace dispose`: what an investigator concludes about a ring."""

from enum import StrEnum
from typing import Annotated

import typer
from rich.console import Console

from api.options import DataDir, open_world
from graph.dispositions import MAX_EXCLUDED, Conclusion, Verdict, dispose_ring
from graph.errors import InputError
from graph.lineage import final_heir
from graph.times import now_ms


class RingConclusion(StrEnum):
    """What can be said of a ring."""

    CONFIRMED = "confirmed"
    DISMISSED = "dismissed"
    UNSURE = "unsure"


def dispose(
    ring_id: Annotated[str, typer.Argument(help="The ring.")],
    conclusion: Annotated[RingConclusion, typer.Option("--as", help="What it is.")],
    reason: Annotated[str, typer.Option(help="Why, in a sentence.")],
    exclude: Annotated[
        list[str] | None, typer.Option(help="A member that does not belong to it; repeatable.")
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Confirm or dismiss a ring. Example: ringtrace dispose ID --as confirmed --reason fraud."""
    if not reason.strip():
        raise InputError("--reason takes a sentence")
    excluded = tuple(exclude or ())
    if len(excluded) > MAX_EXCLUDED:
        raise InputError(f"at most {MAX_EXCLUDED} accounts can be excluded at once")
    out = Console()
    with open_world(data_dir).store() as store:
        heir = final_heir(store, ring_id)
        if heir is not None:
            out.print(f"ring {ring_id} was taken over by {heir}", highlight=False, soft_wrap=True)
        verdict = Verdict(Conclusion(conclusion.value), reason.strip(), excluded)
        dispose_ring(store, heir or ring_id, verdict, now_ms())
    text = f"ring {heir or ring_id} is {conclusion.value}; the next detection run acts on it"
    out.print(text, highlight=False, soft_wrap=True)
