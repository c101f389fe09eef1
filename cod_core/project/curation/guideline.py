"""The guideline: written, versioned, shown beside the card, older decisions queued again."""

from dataclasses import replace

from cod_core.curation import decide as deciding
from cod_core.errors import BadInput
from cod_core.project.curation.pairs import Pairs
from cod_core.project.place import Place, Room, needs
from cod_core.settings import MAX_CHARS
from cod_core.store import decisions, guidelines
from cod_core.text import within
from cod_core.types import REJECT_REASONS, Decision, Guideline, GuidelineExample

MAX_EXAMPLES, MAX_REASON = 20, 80


EMPTY = Guideline(0, "")


def check(written: Guideline, length: int) -> None:
    """Raises BadInput on what cannot be kept. length: characters of the text as it was typed."""
    if unknown := [r for r in written.reasons if r not in REJECT_REASONS]:
        raise BadInput(f"Unknown reason {unknown[0]!r}. Choose among: {', '.join(REJECT_REASONS)}.")
    if long := [r for r, words in written.reasons.items() if len(words) > MAX_REASON]:
        raise BadInput(f"The words for {long[0]!r} are too long for a button: at most {MAX_REASON} characters.")
    if length > MAX_CHARS or len(written.examples) > MAX_EXAMPLES:
        raise BadInput(f"A guideline holds at most {MAX_CHARS:,} characters and {MAX_EXAMPLES} examples. Shorten it.")
    for words in (written.note, *(part for e in written.examples for part in (e.text, e.counterfactual, e.why))):
        within(words, MAX_CHARS)
    if any(not e.text.strip() or not e.counterfactual.strip() for e in written.examples):
        raise BadInput("An example needs both texts: the original and its counterfactual.")


class Guidelines(Room):
    """What the curators of a project agreed on."""

    def __init__(self, place: Place, pairs: Pairs):
        super().__init__(place)
        self.pairs = pairs

    def current(self, version: int | None = None) -> Guideline:
        """The newest version, or the one named; version 0 and no text where none is written."""
        return guidelines.get(self.db, self.id, version) or EMPTY

    def versions(self) -> list[Guideline]:
        """Every version, newest first."""
        return guidelines.versions(self.db, self.id)

    @needs("guideline", named="author")
    def write(
        self,
        text: str,
        author: str,
        reasons: dict[str, str] | None = None,
        examples: tuple[GuidelineExample, ...] = (),
        note: str = "",
        base: int | None = None,
    ) -> int:
        """Save a new version; returns its number. Decisions from now on carry it.

        reasons: reject reason -> own words, at most 80 characters each; the default words where left out.
        base: the version that the writer started from. Raises BadInput on what cannot be kept, Stale where somebody
        wrote another version since.
        """
        reasons = {k: v.strip() for k, v in (reasons or {}).items() if v.strip()}
        made = Guideline(0, text.strip(), reasons, tuple(examples), note.strip(), author)
        check(made, len(text))
        current = self.current()
        same = replace(current, version=0, note="", author="", created_at="") == replace(made, note="", author="")
        if current.version and same:
            raise BadInput("Nothing in the guideline changed, so no new version was made.")
        return guidelines.add(self.db, self.id, made, base)

    def decided_before(self, version: int | None = None) -> list[Decision]:
        """Decisions that stand and were made under an older guideline than `version` (the newest by default)."""
        version = version or self.row.task.guideline_version
        return [
            d for d in self.pairs.state().outcome.values() if d.guideline_version < version and d.status not in ("skipped", "needs_review")
        ]

    @needs("guideline", named="annotator")
    def queue_again(self, annotator: str) -> int:
        """Put every text decided under an older guideline back into the queue, as one act that undo takes back.

        Returns how many. Nothing is lost: the older decisions stay in the log.
        """
        old, version = self.decided_before(), self.row.task.guideline_version
        if not old:
            return 0
        seen = decisions.versions(self.db, self.id, [d.example_id for d in old])
        again = [
            Decision(
                d.counterfactual_id,
                d.example_id,
                "pending",
                annotator,
                guideline_version=version,
                comment=f"queued again for guideline {version}",
            )
            for d in old
        ]
        return len(deciding.bulk(self.db, self.id, again, {}, seen))
