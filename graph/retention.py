"""What the graph keeps no longer: uses that ended before the retention time, and what they leave.

A use that comes back afterwards is written anew. Accounts in a ring, an alert or a case stay.
"""

import uuid
from functools import partial

from graph.store import GraphStore, Transaction

#: accounts in one transaction
_PAGE = 2_000


def expire_graph(store: GraphStore, before: int) -> int:
    """Delete relationships last seen before an instant (milliseconds since 1970); how many.

    Nodes that are left alone by it go too. The accounts are touched for the next detection. It can
    be stopped at any moment and run again.
    """
    ended, after = 0, ""
    while True:
        page, last = store.write(partial(_expire_page, after=after, before=before))
        if last is None:
            return ended
        ended, after = ended + page, last


def _expire_page(tx: Transaction, after: str, before: int) -> tuple[int, str | None]:
    rows = tx.run("privacy/expire_uses", after=after, limit=_PAGE, before=before)
    if not rows:
        return 0, None
    others = sorted({key for row in rows for key in row["keys"]})
    touched = sorted(row["id"] for row in rows if row["ended"])
    ids = sorted({row["id"] for row in rows} | set(others))
    tx.run("privacy/expire_nodes", keys=others, account_ids=ids, before=before)
    if touched:
        note = uuid.uuid4().hex
        tx.run("ingest/touch", id=note, account_ids=touched, partitions=[], latest_at=0)
    return sum(row["ended"] for row in rows), rows[-1]["id"]
