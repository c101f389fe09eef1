"""Several people: roles, who has which text on the screen, where each of them was last."""

from collections.abc import Sequence

from cod_core.errors import BadInput
from cod_core.store import leases, people
from cod_core.workspace.base import Base


class People(Base):
    """Who works here, and on what."""

    def people(self) -> dict[str, str]:
        """name -> role of everybody who is known."""
        return people.roles(self.db)

    def join(self, name: str, signed_in: bool = False, owners: Sequence[str] = ()) -> str:
        """The person's role. Somebody new who signed in becomes a curator, the very first an owner.

        owners: signed-in names that are always owners (the setting COD_OWNERS); where there are any, nobody becomes
        an owner by being first. On one machine without sign-in everybody is an owner until somebody is put on the
        list; names that are not on it are curators then.
        """
        if signed_in:
            if name in owners:
                if people.roles(self.db).get(name) != "owner":
                    people.set_role(self.db, name, "owner", "COD_OWNERS")
                return "owner"
            return people.join(self.db, name, "curator" if owners else "owner")
        known = people.roles(self.db)
        return known.get(name) or ("curator" if "owner" in known.values() else "owner")

    def set_role(self, name: str, role: str, by: str) -> None:
        """Give a person a role; who makes the list's first entry becomes an owner with it.

        Raises BadInput for an empty name, an unknown role, and where the last owner would be lost.
        """
        if not name.strip():
            raise BadInput("Give the person's name, or their mail address where people sign in.")
        if "owner" not in people.roles(self.db).values():
            people.set_role(self.db, by, "owner", by)
        people.set_role(self.db, name.strip(), role, by)

    def remove_person(self, name: str) -> None:
        """Take a person off the list; what they decided stays."""
        people.remove(self.db, name)

    def take(self, pid: str, holder: str, person: str, wanted: Sequence[str]) -> str | None:
        """The first of the wanted texts that nobody else has on the screen; it is this holder's for three minutes.

        holder: one browser of one person. None where all of them are taken. Call it again to keep the text.
        """
        return leases.take(self.db, pid, holder, person, wanted)

    def taken_by_others(self, pid: str, holder: str) -> dict[str, str]:
        """example id -> who has it on the screen."""
        return leases.others(self.db, pid, holder)

    def release(self, pid: str, holder: str) -> None:
        """Let go of the text on the screen."""
        leases.release(self.db, pid, holder)

    def be_at(self, pid: str, person: str, page: str, item: str | None = None) -> None:
        """Remember where a person is, for "go on where you were"."""
        people.be_at(self.db, pid, person, page, item)

    def places(self, person: str) -> dict[str, tuple[str, str | None, str]]:
        """project id -> (page, text, time) where the person was last."""
        return people.places(self.db, person)
