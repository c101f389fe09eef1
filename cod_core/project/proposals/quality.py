"""The quality card: measures of every proposal and of the set, thresholds, the funnel, sources side by side."""

from dataclasses import asdict, dataclass

from cod_core.counterfactuals import comparing, verify
from cod_core.counterfactuals.quality import Quality, SetQuality, Stage, Thresholds, funnel, quality_of, set_quality, verdict, words_put_in
from cod_core.errors import BadInput
from cod_core.project.curation.pairs import Pairs
from cod_core.project.draws import Draws
from cod_core.project.place import Place, Room
from cod_core.project.proposals.fluency import Fluency
from cod_core.project.texts.texts import Texts
from cod_core.store import items
from cod_core.text import folded
from cod_core.types import Counterfactual


@dataclass(frozen=True)
class QualityCard:
    """offered: counterfactual id -> measures of each text's first proposal. verdicts: id -> (grade, reasons).

    total: over the offered ones. stages: the funnel. sources: rows of the comparison on the texts that all sources
    have. judge: what measured fluency, in words.
    """

    offered: dict[str, Quality]
    verdicts: dict[str, tuple[str, tuple[str, ...]]]
    total: SetQuality
    stages: list[Stage]
    sources: list[comparing.SourceRow]
    points: dict[str, list[Quality]]
    limits: Thresholds
    judge: str


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

    def set_limits(self, values: dict) -> Thresholds:
        """Change thresholds. Raises BadInput for an unknown name or a value out of range; nothing is changed then."""
        known = asdict(self.limits())
        if strange := [name for name in values if name not in known]:
            raise BadInput(f"There is no limit called {', '.join(strange)}. Choose from: {', '.join(known)}.")
        made = Thresholds.of({**known, **values})
        self.place.update(thresholds=asdict(made))
        return made

    def card(self) -> QualityCard:
        """The card. No model is loaded for it."""
        current, limits = self.pairs.state(), self.limits()
        texts = {e.id: e for e in items.examples(self.db, self.id) if e.split != "test"}
        held_out = self.texts.judged()
        by_example: dict[str, list[Counterfactual]] = {}
        for cf in current.counterfactuals:
            if cf.example_id in texts and cf.id in current.checks:
                by_example.setdefault(cf.example_id, []).append(cf)
        ratios, judge_name = self._fluency_of([(texts[i].text, cf.text) for i, cfs in by_example.items() for cf in cfs])
        seen = {folded(e.text) for e in texts.values()}
        measured: dict[str, Quality] = {}
        offered: dict[str, str] = {}
        by_source: dict[str, dict[str, tuple[Quality, frozenset[str]]]] = {}
        for example_id, cfs in by_example.items():
            original = texts[example_id].text
            for cf in verify.first_offer(cfs, current.checks):
                one = quality_of(original, cf, current.checks[cf.id], ratios.get((original, cf.text)), seen, held_out)
                measured[cf.id] = one
                if offered.setdefault(example_id, cf.id) == cf.id:
                    seen.add(folded(cf.text))
                by_source.setdefault(comparing.source_of(cf), {}).setdefault(example_id, (one, words_put_in(original, cf.text)))
        best = {i: measured[cf_id] for i, cf_id in offered.items()}
        failures = self.draws.failed() if self.row.teacher else {}
        tried = set(best) | set(failures)
        by_id = {cf.id: cf for cf in current.counterfactuals}
        put_in = [words_put_in(texts[i].text, by_id[cf_id].text) for i, cf_id in offered.items()]
        return QualityCard(
            offered={cf_id: measured[cf_id] for cf_id in offered.values()},
            verdicts={cf_id: verdict(measured[cf_id], limits) for cf_id in offered.values()},
            total=set_quality(list(best.values()), put_in),
            stages=funnel(list(texts), tried, {i: best.get(i) for i in tried}, current.outcome, limits, failures),
            sources=comparing.compare(by_source),
            points={s: [q for q, _ in of.values()] for s, of in by_source.items()},
            limits=limits,
            judge=judge_name,
        )

    def _fluency_of(self, pairs: list[tuple[str, str]]) -> tuple[dict[tuple[str, str], float], str]:
        """((original, text) -> fluency ratio where known, name of the judge). Word pairs judge at once; what a language
        model says is read from the record only (Fluency.measure fills it)."""
        from cod_core.models.fluency import WordPairFluency

        judge = self.fluency.judge()
        if judge is None or not pairs:
            return {}, "nothing yet"
        values = self.fluency.ratios(pairs, measure=isinstance(judge, WordPairFluency))
        return {pair: value for pair, value in zip(pairs, values) if value is not None}, judge.name
