"""Where heavy work runs: what is there, and a short test of it. For owners: addresses and machines are theirs to know."""

from cod_core import roles
from cod_core.compute.engine import Tested, engine_of, try_out
from cod_core.compute.machine import Machine
from cod_core.roles import Actor
from cod_core.settings import ComputePlace, owners
from cod_core.store import people
from cod_core.store.database import Database


class Machines:
    """The place that the settings name. actor: who asks; None for the person at the command line."""

    def __init__(self, db: Database, place: ComputePlace, actor: Actor | None = None):
        self.db = db
        self.place = place
        self.actor = actor

    def named(self) -> str:
        """Where heavy work runs, in words; asks nobody."""
        self._need()
        return engine_of(self.place).place

    def there(self) -> list[Machine]:
        """What computes there. Raises BadInput where a cluster does not answer."""
        self._need()
        with engine_of(self.place) as engine:
            return engine.machines()

    def test(self) -> Tested:
        """Let each process do a small piece. Raises CodError in words: nobody answers, versions differ, processes die."""
        self._need()
        return try_out(self.place)

    def _need(self) -> None:
        roles.need(people.role_of(self.db, self.actor, owners()), "machines")
