"""Who has which text on the screen just now, so that two people on one queue never get the same one.

A lease ends by itself; a decision checks the text's version besides, so nothing is lost where one ran out.
"""

import time
from collections.abc import Sequence

from sqlalchemy import delete, select
from sqlalchemy.engine import Connection

from cod_core.store import schema
from cod_core.store.cache import insert_or_replace
from cod_core.store.database import Database

_T = schema.leases
LEASE_S = 180.0
_RENEW_S = 60.0


def take(db: Database, pid: str, holder: str, person: str, wanted: Sequence[str], seconds: float = LEASE_S) -> str | None:
    """The first of the wanted texts that nobody else holds, held by `holder` from now on; None where all are held.

    holder: one browser of one person. Its other leases of the project end, also where it wants none any more. A lease
    with more than two minutes to run is not written again.
    """
    with db.read() as c:
        mine, others = _held(c, pid, holder)
    first = next((i for i in wanted if i not in others), None)
    long_enough = first is not None and list(mine) == [first] and mine[first] - time.time() > seconds - _RENEW_S
    if long_enough or first is None and not mine:
        return first
    with db.begin() as c:
        _, others = _held(c, pid, holder)
        first = next((i for i in wanted if i not in others), None)
        c.execute(delete(_T).where(_T.c.project_id == pid, (_T.c.holder == holder) | (_T.c.until < time.time())))
        if first is not None:
            c.execute(
                insert_or_replace(c, _T),
                [{"project_id": pid, "example_id": first, "holder": holder, "person": person, "until": time.time() + seconds}],
            )
    return first


def _held(c: Connection, pid: str, holder: str) -> tuple[dict[str, float], dict[str, str]]:
    """(example id -> end of the holder's own lease, example id -> person of somebody else's)."""
    rows = c.execute(select(_T).where(_T.c.project_id == pid, _T.c.until >= time.time())).all()
    return ({r.example_id: r.until for r in rows if r.holder == holder}, {r.example_id: r.person or "" for r in rows if r.holder != holder})


def others(db: Database, pid: str, holder: str) -> dict[str, str]:
    """example id -> who has it on the screen, for texts that somebody else holds."""
    with db.read() as c:
        return _held(c, pid, holder)[1]


def release(db: Database, pid: str, holder: str) -> None:
    """End the holder's leases of the project."""
    with db.begin() as c:
        c.execute(delete(_T).where(_T.c.project_id == pid, _T.c.holder == holder))
