"""Several people: who is known here, in which role, and where each of them was last."""

from cod_core import roles
from cod_core.errors import BadInput, CodError
from cod_core.project.place import MOST_PLACE
from cod_core.roles import Actor
from cod_core.said import msg, say
from cod_core.settings import members, owners
from cod_core.store import drafts
from cod_core.store import people as table
from cod_core.store.database import Database
from cod_core.text import within


class People:
    """Who works in a data folder. actor: who asks; None for the person at the command line."""

    def __init__(self, db: Database, actor: Actor | None = None):
        self.db = db
        self.actor = actor

    def roles(self) -> dict[str, str]:
        """name -> role of everybody who is known."""
        return table.roles(self.db)

    def role(self) -> str:
        """The actor's role at this moment (see store.people.role_of). Nobody is put on the list."""
        return table.role_of(self.db, self.actor, owners())

    def need(self, act: str) -> None:
        """Raises CodError where the actor may not do this at this moment (a key of cod_core.roles.ALLOWED)."""
        roles.need(self.role(), act)

    def admit(self) -> None:
        """At the gate: let in who has signed in and is welcome, and put them on the list. The very first becomes an owner.

        Welcome are the owners that COD_OWNERS names, whom COD_MEMBERS names, and who is on the list; everybody where there is
        no COD_MEMBERS. Raises CodError for anybody else, for who was taken off the list, and for another account with the
        address of somebody on it.
        """
        if self.actor is None or not self.actor.signed_in:
            return
        name, welcome = self.actor.name, members()
        always = name in owners()
        listed = self.roles().get(name)
        if not always and listed is None and welcome and name not in welcome and "@" + name.rpartition("@")[2] not in welcome:
            raise CodError(say(table.NOT_ON_IT, name=name))
        if listed is None or (always and listed != "owner") or not table.is_bound(self.db, name):
            table.admit(self.db, self.actor, "curator" if owners() else "owner", always)
        self.role()

    def sign_out(self) -> None:
        """The actor leaves: a copy of the cookie of this sign-in, or of an earlier one, opens nothing any more."""
        if self.actor is not None and self.actor.issued_at is not None:
            table.sign_out(self.db, self.actor)

    def set_role(self, name: str, role: str, by: str) -> None:
        """Give a person a role; who makes the list's first entry becomes an owner with it.

        Raises BadInput for an empty name or one that is too long, an unknown role, and where the last owner would be lost.
        """
        self.need("people")
        if self.actor is not None and by != self.actor.name:
            raise CodError(
                say("You are {name} here, and this would be recorded as {other}. Load the page again.", name=self.actor.name, other=by[:80])
            )
        within(name, MOST_PLACE)
        if not name.strip():
            raise BadInput(msg("Give the person's name, or their mail address where people sign in."))
        if "owner" not in table.roles(self.db).values():
            table.set_role(self.db, by, "owner", by)
        table.set_role(self.db, name.strip(), role, by)

    def remove(self, name: str) -> None:
        """Take a person off the list; what they decided stays. Nobody but an owner brings them back."""
        self.need("people")
        table.remove(self.db, name)

    def take_over(self, before: str, name: str) -> None:
        """What was typed in a browser before its person gave a name is theirs. before: what stood in the name's place.

        Raises CodError where that was a name.
        """
        self.need("curate")
        if not before.startswith(roles.UNNAMED) or roles.refused_name(name):
            raise CodError(say("The unfinished texts of {before} stay theirs.", before=before[:80]))
        drafts.take_over(self.db, before, name)

    def locations(self, person: str) -> dict[str, tuple[str, str | None, str]]:
        """project id -> (page, text, time) where the person was last."""
        return table.places(self.db, person)
