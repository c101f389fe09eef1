"""Tighten proposals: the smaller version is a new proposal beside the old one, and the person chooses."""

import statistics
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from cod_core.counterfactuals.effort import with_effort
from cod_core.counterfactuals.options import Mode, TightenRequest
from cod_core.progress import Progress, silent
from cod_core.project.curation.cards import Card, Cards
from cod_core.project.curation.pairs import Pairs
from cod_core.project.place import Place, Room, needs
from cod_core.project.teacher.teacher import Teacher
from cod_core.store import cache, items
from cod_core.text import short_hash
from cod_core.types import Counterfactual, Example, FlipCheck, now

if TYPE_CHECKING:
    from cod_core.counterfactuals.tighten import Tightened


@dataclass(frozen=True)
class TightenReport:
    """What a run came to. texts: looked at. tightened: with a smaller version now; unchanged: the others.

    fraction_before, fraction_after: median edit fractions over the tightened ones, None where there are none.
    """

    texts: int
    tightened: int
    unchanged: int
    fraction_before: float | None
    fraction_after: float | None

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def to_tighten(card: Card, request: TightenRequest) -> tuple[Counterfactual, FlipCheck] | None:
    """The offered proposal of a text where it is not decided on, flips the present teacher by several edits, and is of a
    source that was asked for."""
    if card.offered is None or card.check is None or card.decision is not None or card.stale:
        return None
    wanted = not request.sources or card.offered.origin.kind in request.sources
    return (card.offered, card.check) if wanted and card.check.valid and card.check.token_edits > 1 else None


class Tightening(Room):
    """From proposals that flip to proposals that need each of their edits."""

    def __init__(self, place: Place, teacher: Teacher, pairs: Pairs, cards: Cards):
        super().__init__(place)
        self.teacher = teacher
        self.pairs = pairs
        self.cards = cards

    @needs("propose")
    def tighten(self, cf_id: str, mode: Mode = "minimal") -> tuple[Counterfactual, FlipCheck]:
        """The tightened proposal and its verdict; the same proposal where every edit is needed already.

        mode: see TightenRequest. A new proposal points back to the one it came from. Raises BadInput where the proposal does
        not reach its target, or for a mode that does not exist.
        """
        TightenRequest(mode)
        cf = items.counterfactual(self.db, self.id, cf_id)
        mark = self._mark(cf_id, mode)
        on_record = cache.get_reply(self.db, mark)
        if on_record is None:
            on_record = self._tightened(cf, mode)
            cache.put_reply(self.db, self.id, mark, on_record)
        cf = items.counterfactual(self.db, self.id, on_record["id"])
        check = self.pairs.fresh_check(cf)
        assert check is not None, "a teacher has just been asked"
        return cf, check

    def _tightened(self, cf: Counterfactual, mode: Mode) -> dict[str, Any]:
        """Tighten and store; what is remembered of it: "id" of the proposal, and the fields of Tightened."""
        from cod_core.counterfactuals.tighten import BAND, REVISION, tighten

        teacher, example = self.teacher.classifier(), items.example(self.db, self.id, cf.example_id)
        smaller = tighten(
            example.text,
            cf.text,
            list(teacher.labels).index(cf.target),
            self.teacher.scorer(teacher),
            band=BAND if mode == "confidence" else None,
        )
        proposal = self._as_proposal(example, cf, smaller, mode, REVISION)
        if proposal.id != cf.id:
            self.pairs.add([(example, proposal)])
        return {"id": proposal.id, **asdict(smaller)}

    def _as_proposal(self, example: Example, cf: Counterfactual, smaller: "Tightened", mode: Mode, revision: str) -> Counterfactual:
        if smaller.text == cf.text:
            return cf
        took = smaller.spans - smaller.kept
        note = with_effort(f"tightened: {took} of {smaller.spans} edits taken back", smaller.scored)
        origin = replace(cf.origin, name=f"{cf.origin.name}, tightened", revision=f"{cf.origin.revision} {revision}".strip())
        return replace(
            cf,
            id=short_hash(example.id, smaller.text, cf.target, "tightened", cf.id, mode),
            text=smaller.text,
            origin=origin,
            raw_reply=None,
            derived_from=cf.id,
            note=note,
            created_at=now(),
        )

    def _mark(self, cf_id: str, mode: Mode) -> str:
        from cod_core.counterfactuals.tighten import REVISION

        teacher = self.teacher.classifier()
        return f"tightened:{short_hash(self.id, cf_id, teacher.id, teacher.revision, mode, REVISION)}"

    @needs("propose")
    def tighten_all(self, request: TightenRequest = TightenRequest(), progress: Progress = silent) -> TightenReport:
        """Tighten the offered proposal of every undecided text. Proposals of one edit are minimal and left alone."""
        todo = [pair for card in self.cards.all() if (pair := to_tighten(card, request)) is not None]
        before, after = [], []
        for done, (offered, offered_check) in enumerate(todo):
            progress(done, len(todo), "taking back edits that are not needed")
            cf, check = self.tighten(offered.id, request.mode)
            if cf.id != offered.id:
                before.append(offered_check.edit_fraction)
                after.append(check.edit_fraction)
        progress(len(todo), len(todo), "done")
        return TightenReport(
            texts=len(todo),
            tightened=len(after),
            unchanged=len(todo) - len(after),
            fraction_before=statistics.median(before) if before else None,
            fraction_after=statistics.median(after) if after else None,
        )
