"""Curation: live verdicts, decisions, edits, drafts, undo."""

import unicodedata
from dataclasses import replace

from cod_core.counterfactuals import verify
from cod_core.curation import decide as deciding
from cod_core.curation import opinions
from cod_core.errors import BadInput
from cod_core.store import decisions, items
from cod_core.text import short_hash
from cod_core.types import KEPT, Counterfactual, Decision, Example, FlipCheck, Origin, Prediction, now
from cod_core.workspace.cards import Card, Cards, State, why

__all__ = ["Card", "Curating", "State", "clean", "why"]


class Curating(Cards):
    """What the expert does to one text at a time."""

    def before(self, pid: str, example_id: str) -> Prediction:
        """The teacher's prediction on the original text."""
        return self.teacher(pid).predict([items.example(self.db, pid, example_id).text])[0]

    def verdict(self, pid: str, example_id: str, text: str, target: str | None = None) -> FlipCheck:
        """The teacher's verdict on exactly this text, not stored. Raises BadInput where it is empty or unchanged."""
        example = items.example(self.db, pid, example_id)
        return self._verdict(pid, example, self._written(pid, example, text, target, None))

    def _written(self, pid: str, example: Example, text: str, target: str | None, base: str | None) -> Counterfactual:
        text = clean(text, example.text)
        before = self.teacher(pid).predict([example.text])[0]
        target = target or verify.target_of(before)
        return Counterfactual(
            id=short_hash(example.id, text, target, "human", base or ""),
            example_id=example.id,
            text=text,
            source=before.label,
            target=target,
            origin=Origin("human", "expert"),
            derived_from=base,
            note="written by you" if base is None else "edited by you",
            created_at=now(),
        )

    def _verdict(self, pid: str, example: Example, cf: Counterfactual) -> FlipCheck:
        return self._verdicts(pid, [(example.text, cf)])[0]

    def decide(
        self,
        pid: str,
        cf_id: str,
        status: str,
        annotator: str,
        reasons=(),
        override_reason: str | None = None,
        comment: str = "",
        lead_time_s: float | None = None,
        seen: int | None = None,
    ) -> Decision:
        """Record one decision at once. seen: the version of the card that it was made on (Card.version).

        Where a second opinion is wanted on the text it is one, and the state does not move. Raises BadInput where it
        may not be kept (see curation.decide), Stale where somebody else decided since: nothing is written then.
        """
        cf = items.counterfactual(self.db, pid, cf_id)
        check, version, acts = self._fresh_check(pid, cf), self.project(pid).task.guideline_version, []

        def act(log: list[Decision]) -> list[Decision]:
            made = Decision(
                cf_id,
                cf.example_id,
                status,
                annotator,
                tuple(reasons),
                override_reason,
                comment,
                now(),
                lead_time_s,
                version,
                purpose=opinions.purpose_of(log, annotator),
            )
            deciding.allowed(made, check)
            settles = opinions.settled_by_agreement(log, made)
            acts[:] = [made] if settles is None else [made, settles]
            return acts

        numbers = decisions.append_after(self.db, pid, cf.example_id, act, seen)
        return replace(acts[0], seq=numbers[0])

    def _fresh_check(self, pid: str, cf: Counterfactual) -> FlipCheck | None:
        """The present teacher's check of cf, made now where it is missing or stale."""
        if self.project(pid).teacher is None:
            return None
        check = self._state(pid).checks.get(cf.id)
        if check is None:
            check = self._verdict(pid, items.example(self.db, pid, cf.example_id), cf)
            items.add_checks(self.db, pid, [check])
        return check

    def waiting(self, pid: str) -> str:
        """What has to happen before decisions count, in one sentence: a teacher, or its verdict; empty where nothing has to."""
        current = self._state(pid)
        if not current.counterfactuals:
            return ""
        if current.teacher is None:
            return (
                "This set has no teacher yet. Choose one on the page Teacher, then check again: until a teacher has checked "
                "the proposals, they are neither trained on nor exported."
            )
        if not current.stale:
            return ""
        many = "1 proposal is" if current.stale == 1 else f"{current.stale:,} proposals are"
        return f"{many} not checked by this teacher yet. Check again: until it has checked them, they are neither trained on nor exported."

    def recheck(self, pid: str, progress=None) -> int:
        """Verify every stale proposal with the present teacher; returns how many were checked."""
        current = self._state(pid)
        missing = [cf for cf in current.counterfactuals if cf.id not in current.checks]
        texts = {e.id: e.text for e in items.examples(self.db, pid, ids=list({cf.example_id for cf in missing}))}
        for at in range(0, len(missing), 64):
            chunk = missing[at : at + 64]
            pairs = [(texts[cf.example_id], cf) for cf in chunk]
            items.add_checks(self.db, pid, self._verdicts(pid, pairs))
            if progress:
                progress(at + len(chunk), len(missing), "checking again")
        return len(missing)

    def edit_and_accept(
        self,
        pid: str,
        example_id: str,
        base_cf_id: str | None,
        text: str,
        annotator: str,
        override_reason: str | None = None,
        lead_time_s: float | None = None,
        seen: int | None = None,
        target: str | None = None,
    ):
        """Keep the expert's own text: a new counterfactual that points back, its check, and the decision.

        Returns (Counterfactual, FlipCheck, Decision). Raises BadInput where it does not flip and no
        override_reason is given: nothing is decided then, and the draft stays.
        """
        example = items.example(self.db, pid, example_id)
        base = items.counterfactual(self.db, pid, base_cf_id) if base_cf_id else None
        if base is not None and clean(text, example.text) == base.text:
            return (
                base,
                self._fresh_check(pid, base),
                self.decide(pid, base.id, "accepted", annotator, override_reason=override_reason, lead_time_s=lead_time_s, seen=seen),
            )
        cf = self._written(pid, example, text, base.target if base else target, base_cf_id)
        check = self._verdict(pid, example, cf)
        deciding.allowed(Decision(cf.id, example_id, "edited", annotator, override_reason=override_reason), check)
        items.add_counterfactuals(self.db, pid, [cf])
        items.add_checks(self.db, pid, [check])
        decision = self.decide(pid, cf.id, "edited", annotator, override_reason=override_reason, lead_time_s=lead_time_s, seen=seen)
        items.drop_draft(self.db, pid, example_id, annotator)
        return cf, check, decision

    def undo(self, pid: str, annotator: str) -> Decision | None:
        """Take back the annotator's last act; None where there is nothing left to undo."""
        return deciding.undo(self.db, pid, annotator)

    def save_draft(self, pid: str, example_id: str, annotator: str, base_id: str | None, text: str) -> None:
        """Remember unfinished text. Saved at once; survives a restart."""
        items.save_draft(self.db, pid, example_id, annotator, base_id, text)

    def draft(self, pid: str, example_id: str, annotator: str) -> str | None:
        return items.draft(self.db, pid, example_id, annotator)

    def kept_pairs(self, pid: str) -> dict[str, tuple[Counterfactual, FlipCheck]]:
        """example id -> the accepted counterfactual and its valid check under the present teacher."""
        current = self._state(pid)
        by_id = {cf.id: cf for cf in current.counterfactuals}
        kept = {}
        for example_id, decision in current.outcome.items():
            check = current.checks.get(decision.counterfactual_id)
            if decision.status in KEPT and check is not None and check.valid:
                kept[example_id] = (by_id[decision.counterfactual_id], check)
        return kept


def clean(text: str, original: str) -> str:
    """The text without control characters or outer blanks, accents composed as in uploaded texts. Raises BadInput where empty,
    unchanged or too long."""
    from cod_core.settings import MAX_CHARS

    text = unicodedata.normalize("NFC", "".join(c for c in text if c in "\n\t" or ord(c) >= 32)).strip()
    if not text:
        raise BadInput("The text is empty. Write the changed text, or reject the proposal.")
    if text == original.strip():
        raise BadInput("The text is the same as the original. Change a word so that the label changes.")
    if len(text) > MAX_CHARS:
        raise BadInput(f"The text has {len(text):,} characters; at most {MAX_CHARS:,} can be used. Shorten it.")
    return text
