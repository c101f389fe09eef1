"""Curation of one text at a time: verdicts while typing, decisions, edits, drafts, undo."""

import unicodedata
from collections.abc import Sequence
from dataclasses import replace

from cod_core.counterfactuals import verify
from cod_core.curation import decide as deciding
from cod_core.curation import opinions
from cod_core.errors import BadInput
from cod_core.project.curation.cards import Cards
from cod_core.project.curation.pairs import Pairs
from cod_core.project.place import Place, Room, needs
from cod_core.project.teacher.teacher import Teacher
from cod_core.said import say
from cod_core.settings import MAX_CHARS
from cod_core.store import decisions, drafts, items
from cod_core.text import CONTROL, short_hash, within
from cod_core.types import UNATTENDED, Counterfactual, Decision, Example, FlipCheck, Origin, Prediction, now

MOST_DRAFT = 5 * MAX_CHARS  # an unfinished text may be longer than one that is kept


def clean(text: str, original: str) -> str:
    """The text without control characters or outer blanks, accents composed as in uploaded texts. Raises BadInput where empty,
    unchanged or too long."""
    text = unicodedata.normalize("NFC", CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))).strip()
    if not text:
        raise BadInput(say("The text is empty. Write the changed text, or reject the proposal."))
    if text == original.strip():
        raise BadInput(say("The text is the same as the original. Change a word so that the label changes."))
    if len(text) > MAX_CHARS:
        raise BadInput(say("The text has {n:,} characters; at most {most:,} can be used. Shorten it.", n=len(text), most=MAX_CHARS))
    return text


class Curation(Room):
    """What the expert does to a text."""

    def __init__(self, place: Place, teacher: Teacher, pairs: Pairs, cards: Cards):
        super().__init__(place)
        self.teacher = teacher
        self.pairs = pairs
        self.cards = cards

    def before(self, example_id: str) -> Prediction:
        """The teacher's prediction on the original text."""
        return self.teacher.before(items.example(self.db, self.id, example_id))

    def verdict(self, example_id: str, text: str, target: str | None = None) -> FlipCheck:
        """The teacher's verdict on exactly this text, not stored. Raises BadInput where it is empty or unchanged."""
        example = items.example(self.db, self.id, example_id)
        return self.pairs.verdict(example, self._written(example, text, target, None))

    def _written(self, example: Example, text: str, target: str | None, base: str | None) -> Counterfactual:
        text = clean(text, example.text)
        before = self.teacher.before(example)
        target = target or verify.target_of(before)
        return Counterfactual(
            id=short_hash(example.id, text, target, "human", base or ""),
            example_id=example.id,
            text=text,
            source=before.label,
            target=target,
            origin=Origin("human", "expert"),
            derived_from=base,
            note="written by a person" if base is None else "edited by a person",
            created_at=now(),
        )

    @needs("curate", named="annotator")
    def decide(
        self,
        cf_id: str,
        status: str,
        annotator: str,
        reasons: Sequence[str] = (),
        override_reason: str | None = None,
        comment: str = "",
        lead_time_s: float | None = None,
        seen: int | None = None,
    ) -> Decision:
        """Record one decision at once. seen: the version of the card that it was made on (Card.version).

        Where a second opinion is wanted on the text it is one, and the state does not move. Raises BadInput where it
        may not be kept (see curation.decide), Stale where somebody else decided since: nothing is written then.
        """
        cf = items.counterfactual(self.db, self.id, cf_id)
        made = Decision(
            cf_id,
            cf.example_id,
            status,
            annotator,
            tuple(reasons),
            override_reason,
            comment,
            lead_time_s=lead_time_s,
            guideline_version=self.row.task.guideline_version,
        )
        return self._recorded(made, self.pairs.fresh_check(cf), seen)

    def _recorded(self, made: Decision, check: FlipCheck | None, seen: int | None) -> Decision:
        """The decision as it is on record, dated and numbered, with what it settles. See decide."""
        acts: list[Decision] = []

        def act(log: list[Decision]) -> list[Decision]:
            decision = replace(made, decided_at=now(), purpose=opinions.purpose_of(log, made.annotator))
            deciding.allowed(decision, check)
            settles = opinions.settled_by_agreement(log, decision)
            acts[:] = [decision] if settles is None else [decision, settles]
            return acts

        numbers = decisions.append_after(self.db, self.id, made.example_id, act, seen)
        return replace(acts[0], seq=numbers[0])

    @needs("curate", named="annotator")
    def edit_and_accept(
        self,
        example_id: str,
        base_cf_id: str | None,
        text: str,
        annotator: str,
        override_reason: str | None = None,
        lead_time_s: float | None = None,
        seen: int | None = None,
        target: str | None = None,
    ) -> tuple[Counterfactual, FlipCheck | None, Decision]:
        """Keep the expert's own text: a new counterfactual that points back, its check, and the decision.

        target: the label that it is meant for, that of the proposal it started from where None.

        Returns (Counterfactual, FlipCheck, Decision). Raises BadInput where it does not flip and no
        override_reason is given: nothing is decided then, and the draft stays.
        """
        example = items.example(self.db, self.id, example_id)
        base = items.counterfactual(self.db, self.id, base_cf_id) if base_cf_id else None
        aim = target or (base.target if base else None)
        if base is not None and clean(text, example.text) == base.text and aim == base.target:
            return (
                base,
                self.pairs.fresh_check(base),
                self.decide(base.id, "accepted", annotator, override_reason=override_reason, lead_time_s=lead_time_s, seen=seen),
            )
        cf = self._written(example, text, aim, base_cf_id)
        check = self.pairs.verdict(example, cf)
        made = Decision(
            cf.id,
            example_id,
            "edited",
            annotator,
            override_reason=override_reason,
            lead_time_s=lead_time_s,
            guideline_version=self.row.task.guideline_version,
        )
        deciding.allowed(made, check)
        with self.db.together():  # where somebody else decided since, the text that nobody is to see yet is not kept either
            items.add_counterfactuals(self.db, self.id, [cf])
            items.add_checks(self.db, self.id, [check])
            decision = self._recorded(made, check, seen)
            items.drop_draft(self.db, self.id, example_id, annotator)
        return cf, check, decision

    @needs("curate", named="annotator", recorded=False)
    def undo(self, annotator: str) -> Decision | None:
        """Take back the annotator's last act; None where there is nothing left to undo."""
        return deciding.undo(self.db, self.id, annotator)

    @needs("curate", named="annotator", recorded=False)
    def save_draft(self, example_id: str, annotator: str, base_id: str | None, text: str) -> None:
        """Remember unfinished text. Saved at once; survives a restart. Raises BadInput where it is too long to be kept."""
        items.save_draft(self.db, self.id, example_id, annotator, base_id, within(text, MOST_DRAFT))

    def draft(self, example_id: str, annotator: str) -> str | None:
        """The unfinished text, None where there is none. Raises CodError where it is somebody else's."""
        self.place.need_own(annotator)
        return items.draft(self.db, self.id, example_id, annotator)

    @needs("curate", named="annotator")
    def accept_unattended(self, annotator: str = UNATTENDED) -> int:
        """Accept the best verified proposal of every undecided text; returns how many. For runs without a person.

        Texts on which a second opinion is wanted are left to people: no program's vote counts as one.
        """
        accepted = 0
        for card in self.cards.all():
            if card.decision is None and not card.second and card.check is not None and card.check.valid and not card.stale:
                self.decide(card.offered.id, "accepted", annotator)
                accepted += 1
        return accepted

    def live_verdict(self, example_id: str, text: str, target: str) -> FlipCheck:
        """The verdict while somebody types: as verdict, without the similarity, and nothing is remembered.

        Raises BadInput where the text is empty or unchanged.
        """
        example, teacher = items.example(self.db, self.id, example_id), self.teacher.classifier()
        text = clean(text, example.text)
        before, after = teacher.predict([example.text])[0], teacher.glance(text)
        written = Counterfactual("typed", example_id, text, before.label, target, Origin("human", "expert"))
        return verify.check(example.text, written, teacher, before, after)

    def verdict_on_record(self, example_id: str, text: str, target: str) -> FlipCheck | None:
        """As live_verdict, from what the teacher predicted before; None where it was never asked. Asks no model."""
        example, teacher = items.example(self.db, self.id, example_id), self.teacher.classifier()
        text = clean(text, example.text)
        before, after = teacher.on_record([example.text, text])
        if before is None or after is None:
            return None
        written = Counterfactual("typed", example_id, text, before.label, target, Origin("human", "expert"))
        return verify.check(example.text, written, teacher, before, after)

    def draft_of(self, example_id: str, annotator: str) -> tuple[str | None, str, str] | None:
        """(proposal it started from, None for the original; text; saved at) of the unfinished text. Raises as draft."""
        self.place.need_own(annotator)
        return drafts.draft_of(self.db, self.id, example_id, annotator)

    @needs("curate", named="annotator", recorded=False)
    def drop_draft(self, example_id: str, annotator: str) -> None:
        """Forget the unfinished text: the person went back to the proposal."""
        items.drop_draft(self.db, self.id, example_id, annotator)
