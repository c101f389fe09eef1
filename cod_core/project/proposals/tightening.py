"""Tighten proposals: the smaller version is a new proposal beside the old one, and the person chooses."""

from dataclasses import asdict, replace

from cod_core.counterfactuals.effort import with_effort
from cod_core.errors import BadInput
from cod_core.progress import Progress, silent
from cod_core.project.curation.cards import Cards
from cod_core.project.curation.pairs import Pairs
from cod_core.project.place import Place, Room
from cod_core.project.teacher.teacher import Teacher
from cod_core.store import cache, items
from cod_core.text import short_hash
from cod_core.types import Counterfactual, Example, FlipCheck, now

MODES = ("minimal", "confidence")


def check_mode(mode: str) -> None:
    """Raises BadInput for a mode that does not exist."""
    if mode not in MODES:
        raise BadInput(f"The mode is one of {', '.join(MODES)}, not {mode!r}.")


class Tightening(Room):
    """From proposals that flip to proposals that need each of their edits."""

    def __init__(self, place: Place, teacher: Teacher, pairs: Pairs, cards: Cards):
        super().__init__(place)
        self.teacher = teacher
        self.pairs = pairs
        self.cards = cards

    def tighten(self, cf_id: str, mode: str = "minimal") -> tuple[Counterfactual, FlipCheck]:
        """The tightened proposal and its verdict; the same proposal where every edit is needed already.

        mode: "minimal" (fewest edits) or "confidence" (p(target) in .5 to .8, for probing the boundary). A new
        proposal points back to the one it came from. Raises BadInput where the proposal does not reach its target.
        """
        from cod_core.counterfactuals.tighten import BAND, REVISION, tighten

        check_mode(mode)
        cf, teacher = items.counterfactual(self.db, self.id, cf_id), self.teacher.classifier()
        example = items.example(self.db, self.id, cf.example_id)
        mark = self._mark(cf_id, mode)
        known = cache.get_reply(self.db, mark)
        if known is None:
            found = tighten(
                example.text,
                cf.text,
                list(teacher.labels).index(cf.target),
                self.teacher.scorer(teacher),
                band=BAND if mode == "confidence" else None,
            )
            made = self._as_proposal(example, cf, found, mode, REVISION)
            if made.id != cf.id:
                self.pairs.add([(example, made)])
            known = {"id": made.id, **asdict(found)}
            cache.put_reply(self.db, self.id, mark, known)
        cf = items.counterfactual(self.db, self.id, known["id"])
        return cf, self.pairs.fresh_check(cf)

    def _as_proposal(self, example: Example, cf: Counterfactual, found, mode: str, revision: str) -> Counterfactual:
        if found.text == cf.text:
            return cf
        took = found.spans - found.kept
        note = with_effort(f"tightened: {took} of {found.spans} edits taken back", found.scored)
        origin = replace(cf.origin, name=f"{cf.origin.name}, tightened", revision=f"{cf.origin.revision} {revision}".strip())
        return replace(
            cf,
            id=short_hash(example.id, found.text, cf.target, "tightened", cf.id, mode),
            text=found.text,
            origin=origin,
            raw_reply=None,
            derived_from=cf.id,
            note=note,
            created_at=now(),
        )

    def _mark(self, cf_id: str, mode: str) -> str:
        from cod_core.counterfactuals.tighten import REVISION

        teacher = self.teacher.classifier()
        return f"tightened:{short_hash(self.id, cf_id, teacher.id, teacher.revision, mode, REVISION)}"

    def tighten_all(self, params: dict | None = None, progress: Progress = silent) -> dict:
        """Tighten the offered proposal of every undecided text. params: mode, and sources (kinds: llm, import, ...).

        Proposals of one edit are minimal and left alone. Returns {"texts", "tightened", "unchanged", "fraction_before",
        "fraction_after"} (medians over the tightened ones).
        """
        import statistics

        params = params or {}
        mode, kinds = params.get("mode", "minimal"), params.get("sources")
        check_mode(mode)
        todo = [
            c
            for c in self.cards.all()
            if c.decision is None
            and c.check is not None
            and c.check.valid
            and not c.stale
            and c.check.token_edits > 1
            and (not kinds or c.offered.origin.kind in kinds)
        ]
        before, after = [], []
        for done, card in enumerate(todo):
            progress(done, len(todo), "taking back edits that are not needed")
            cf, check = self.tighten(card.offered.id, mode)
            if cf.id != card.offered.id:
                before.append(card.check.edit_fraction)
                after.append(check.edit_fraction)
        progress(len(todo), len(todo), "done")
        return {
            "texts": len(todo),
            "tightened": len(after),
            "unchanged": len(todo) - len(after),
            "fraction_before": statistics.median(before) if before else None,
            "fraction_after": statistics.median(after) if after else None,
        }
