"""The quality card: measures of every proposal and of the set, thresholds, the funnel, sources side by side."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

from cod_core.counterfactuals import comparing, verify
from cod_core.counterfactuals.quality import (
    Quality,
    SetQuality,
    Stage,
    Thresholds,
    funnel,
    of_everybody,
    quality_of,
    set_quality,
    verdict,
    words_put_in,
)
from cod_core.errors import BadInput
from cod_core.project.curation.pairs import Pairs, State
from cod_core.project.draws import Draws
from cod_core.project.place import Place, Room, needs
from cod_core.project.proposals.fluency import Fluency
from cod_core.project.texts.texts import Texts
from cod_core.store import items
from cod_core.text import folded
from cod_core.types import Counterfactual, Decision, Example, FlipCheck


@dataclass(frozen=True)
class QualityCard:
    """offered: counterfactual id -> measures of each text's first proposal. verdicts: id -> (grade, reasons).

    total: over the offered ones. stages: the funnel. sources: rows of the comparison on the texts that all sources
    have. points: source -> quality of its best proposals. fluency_judge: what measured fluency, in words.
    """

    offered: dict[str, Quality]
    verdicts: dict[str, tuple[str, tuple[str, ...]]]
    total: SetQuality
    stages: list[Stage]
    sources: list[comparing.SourceRow]
    points: dict[str, list[Quality]]
    limits: Thresholds
    fluency_judge: str

    @property
    def tried(self) -> int:
        """Texts that a generator was run on, those for which nothing came too."""
        return self.stages[0].n

    @property
    def flipped(self) -> int:
        """Those of them with a proposal that flips the teacher."""
        return sum(one.flipped for one in self.offered.values())

    @property
    def sentence(self) -> str:
        """How many of all texts that were tried have a flip."""
        return of_everybody(self.flipped, self.tried)


@dataclass(frozen=True)
class Measured:
    """A proposal with its measures. put_in: the words it brought."""

    cf: Counterfactual
    quality: Quality
    put_in: frozenset[str]


def judged_proposals(current: State, texts: Collection[str]) -> dict[str, list[Counterfactual]]:
    """Text's id -> its proposals that the present teacher has judged, in the order they came."""
    by_text: dict[str, list[Counterfactual]] = {}
    for cf in current.counterfactuals:
        if cf.example_id in texts and cf.id in current.checks:
            by_text.setdefault(cf.example_id, []).append(cf)
    return by_text


def measure(
    texts: Mapping[str, Example],
    proposals: Mapping[str, Sequence[Counterfactual]],
    checks: dict[str, FlipCheck],
    ratios: Mapping[tuple[str, str], float],
    held_out: Collection[str],
) -> dict[str, list[Measured]]:
    """Text's id -> its proposals with their measures, the one offered first. A proposal that says the same as a text or as
    one offered before it is a duplicate.

    proposals: by text, with `checks` of each. ratios: (original, text) -> fluency ratio. held_out: see quality_of.
    """
    in_set = {folded(e.text) for e in texts.values()}
    measured: dict[str, list[Measured]] = {}
    for example_id, cfs in proposals.items():
        original = texts[example_id].text
        for cf in verify.first_offer(cfs, checks):
            quality = quality_of(original, cf, checks[cf.id], ratios.get((original, cf.text)), in_set, held_out)
            if example_id not in measured:
                in_set.add(folded(cf.text))
            measured.setdefault(example_id, []).append(Measured(cf, quality, words_put_in(original, cf.text)))
    return measured


def of_sources(measured: Mapping[str, Sequence[Measured]]) -> dict[str, dict[str, tuple[Quality, frozenset[str]]]]:
    """Source in plain words -> text's id -> its best proposal there, as comparing.compare takes it."""
    by_source: dict[str, dict[str, tuple[Quality, frozenset[str]]]] = {}
    for example_id, of_text in measured.items():
        for one in of_text:
            by_source.setdefault(comparing.source_of(one.cf), {}).setdefault(example_id, (one.quality, one.put_in))
    return by_source


class QualityCards(Room):
    """How good the proposals are."""

    def __init__(self, place: Place, texts: Texts, pairs: Pairs, draws: Draws, fluency: Fluency):
        super().__init__(place)
        self.texts = texts
        self.pairs = pairs
        self.draws = draws
        self.fluency = fluency

    def limits(self) -> Thresholds:
        """The project's thresholds; the defaults where none were set."""
        return Thresholds.of(self.row.settings.get("thresholds") or {})

    @needs("propose")
    def set_limits(self, values: Mapping[str, float | bool | None]) -> Thresholds:
        """Change thresholds. Raises BadInput for an unknown name or a value out of range; nothing is changed then."""
        present = asdict(self.limits())
        if strange := [name for name in values if name not in present]:
            raise BadInput(f"There is no limit called {', '.join(strange)}. Choose from: {', '.join(present)}.")
        limits = Thresholds.of({**present, **values})
        self.place.update(thresholds=asdict(limits))
        return limits

    def card(self) -> QualityCard:
        """The card. No model is loaded for it."""
        texts = {e.id: e for e in items.examples(self.db, self.id) if e.split != "test"}
        current, limits = self.pairs.state(), self.limits()
        proposals = judged_proposals(current, texts)
        ratios, judge = self._fluency_of([(texts[i].text, cf.text) for i, cfs in proposals.items() for cf in cfs])
        measured = measure(texts, proposals, current.checks, ratios, self.texts.judged())
        best = {i: of_text[0] for i, of_text in measured.items()}
        by_source = of_sources(measured)
        return QualityCard(
            offered={one.cf.id: one.quality for one in best.values()},
            verdicts={one.cf.id: verdict(one.quality, limits) for one in best.values()},
            total=set_quality([one.quality for one in best.values()], [one.put_in for one in best.values()]),
            stages=self._funnel(texts, {i: one.quality for i, one in best.items()}, current.outcome, limits),
            sources=comparing.compare(by_source),
            points={source: [quality for quality, _ in of.values()] for source, of in by_source.items()},
            limits=limits,
            fluency_judge=judge,
        )

    def _funnel(
        self, texts: Iterable[str], best: Mapping[str, Quality], outcome: Mapping[str, Decision], limits: Thresholds
    ) -> list[Stage]:
        """Where texts are lost. best: text's id -> quality of the proposal offered for it. outcome: id -> live decision."""
        failures = self.draws.failed() if self.row.teacher else {}
        tried = set(best) | set(failures)
        return funnel(list(texts), tried, {i: best.get(i) for i in tried}, outcome, limits, failures)

    def _fluency_of(self, pairs: Sequence[tuple[str, str]]) -> tuple[dict[tuple[str, str], float], str]:
        """((original, text) -> fluency ratio where known, name of the judge). Word pairs judge at once; what a language
        model says is read from the record only (Fluency.measure fills it)."""
        from cod_core.models.fluency import WordPairFluency

        judge = self.fluency.judge()
        if judge is None or not pairs:
            return {}, "nothing yet"
        values = self.fluency.ratios(pairs, measure=isinstance(judge, WordPairFluency))
        return {pair: value for pair, value in zip(pairs, values) if value is not None}, judge.name
