"""Several people: who is known here, in which role, and where each of them was last."""

from collections.abc import Sequence

from cod_core.errors import BadInput
from cod_core.store import people as table
from cod_core.store.database import Database


class People:
    """Who works in a data folder."""

    def __init__(self, db: Database):
        self.db = db

    def roles(self) -> dict[str, str]:
        """name -> role of everybody who is known."""
        return table.roles(self.db)

    def join(self, name: str, signed_in: bool = False, owners: Sequence[str] = ()) -> str:
        """The person's role. Somebody new who signed in becomes a curator, the very first an owner.

        owners: signed-in names that are always owners (the setting COD_OWNERS); where there are any, nobody becomes
        an owner by being first. On one machine without sign-in everybody is an owner until somebody is put on the
        list; names that are not on it are curators then.
        """
        if signed_in:
            if name in owners:
                if table.roles(self.db).get(name) != "owner":
                    table.set_role(self.db, name, "owner", "COD_OWNERS")
                return "owner"
            return table.join(self.db, name, "curator" if owners else "owner")
        known = table.roles(self.db)
        return known.get(name) or ("curator" if "owner" in known.values() else "owner")

    def set_role(self, name: str, role: str, by: str) -> None:
        """Give a person a role; who makes the list's first entry becomes an owner with it.

        Raises BadInput for an empty name, an unknown role, and where the last owner would be lost.
        """
        if not name.strip():
            raise BadInput("Give the person's name, or their mail address where people sign in.")
        if "owner" not in table.roles(self.db).values():
            table.set_role(self.db, by, "owner", by)
        table.set_role(self.db, name.strip(), role, by)

    def remove(self, name: str) -> None:
        """Take a person off the list; what they decided stays."""
        table.remove(self.db, name)

    def locations(self, person: str) -> dict[str, tuple[str, str | None, str]]:
        """project id -> (page, text, time) where the person was last."""
        return table.places(self.db, person)
