"""Working on texts that are in: look through them, correct their words, take them out, put them back."""

from collections.abc import Sequence
from dataclasses import dataclass

from cod_core.errors import BadInput
from cod_core.project.place import Room, needs
from cod_core.said import msg, say
from cod_core.store import items, text_changes
from cod_core.store.text_changes import TextChange
from cod_core.text import within
from cod_core.types import Example

PAGE = 100
LONGEST = 100_000  # characters of a corrected text
MOST_SOUGHT = 1000  # characters of the words that are looked for


@dataclass(frozen=True)
class Wanted:
    """Which texts to show. words: part of the text, in any letter case. split, label: of these only, where given."""

    words: str = ""
    split: str | None = None
    label: str | None = None


@dataclass(frozen=True)
class Shown:
    """A page of texts in upload order. total: how many texts match, on all pages. page: from 0."""

    texts: tuple[Example, ...]
    total: int
    page: int

    @property
    def pages(self) -> int:
        return max(1, -(-self.total // PAGE))


class Editing(Room):
    """The texts as a table that a person can work on. Labels are corrected in the room `repair`."""

    def look(self, wanted: Wanted, page: int = 0) -> Shown:
        """The page of matching texts; the last one if there are fewer pages. Raises BadInput for too many words."""
        within(wanted.words, MOST_SOUGHT)
        total = items.count_matching(self.db, self.id, wanted.words, wanted.split, wanted.label)
        page = max(0, min(page, -(-total // PAGE) - 1))
        found = items.matching(self.db, self.id, wanted.words, wanted.split, wanted.label, page * PAGE, PAGE)
        return Shown(tuple(found), total, page)

    @needs("import", named="by")
    def correct(self, example_id: str, text: str, by: str, seen: str | None = None) -> int:
        """Give a text other words; returns how many of its proposals have to be checked again. Decisions stay.

        seen: the words that the person saw. Raises BadInput if the new text is empty, unchanged, too long, or here already, Stale
        if somebody changed it since.
        """
        text = text.strip()
        if not text:
            raise BadInput(msg("The text is empty. To drop it, take it out instead."))
        if len(text) > LONGEST:
            raise BadInput(say("The text has {n:,} characters; {most:,} are the most.", n=len(text), most=LONGEST))
        if text == items.example(self.db, self.id, example_id).text:
            raise BadInput(msg("The text is as it was. Change it, then save."))
        return text_changes.correct(self.db, self.id, example_id, text, by, seen)

    @needs("import", named="by")
    def take_out(self, example_ids: Sequence[str], by: str) -> int:
        """Take texts out of the project; returns how many. Their proposals and decisions come back when they do."""
        return text_changes.remove(self.db, self.id, example_ids, by)

    @needs("import", named="by")
    def put_back(self, example_ids: Sequence[str], by: str) -> int:
        """Put texts back that were taken out; returns how many came back."""
        return text_changes.restore(self.db, self.id, example_ids, by)

    def taken_out(self) -> list[TextChange]:
        """What was taken out and not put back, oldest first."""
        return text_changes.out(self.db, self.id)
