"""Several people at once: who has which text on the screen, where each of them was last."""

from collections.abc import Sequence

from cod_core.project.place import MOST_PLACE, Room, needs
from cod_core.store import leases, people
from cod_core.text import within


class Presence(Room):
    """Who works on what."""

    @needs("curate", named="person", recorded=False)
    def claim(self, holder: str, person: str, wanted: Sequence[str]) -> str | None:
        """The first of the wanted texts that nobody else has on the screen; it is this holder's for three minutes.

        holder: one browser of one person. None where all of them are taken. Call it again to keep the text.
        """
        return leases.take(self.db, self.id, within(holder, MOST_PLACE), person, wanted)

    def claimed_by_others(self, holder: str) -> dict[str, str]:
        """example id -> who has it on the screen."""
        return leases.others(self.db, self.id, holder)

    @needs("curate")
    def release(self, holder: str) -> None:
        """Let go of the text on the screen."""
        leases.release(self.db, self.id, holder)

    @needs("curate", named="person", recorded=False)
    def record_location(self, person: str, page: str, item: str | None = None) -> None:
        """Remember where a person is, for "go on where you were"."""
        people.be_at(self.db, self.id, person, within(page, MOST_PLACE), item and within(item, MOST_PLACE))
