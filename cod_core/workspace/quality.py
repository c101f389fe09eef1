"""The quality card: measures of every proposal and of the set, thresholds, the funnel, sources side by side."""

from dataclasses import asdict, dataclass

from cod_core.counterfactuals import comparing, verify
from cod_core.counterfactuals.quality import Quality, SetQuality, Stage, Thresholds, funnel, quality_of, set_quality, verdict, words_put_in
from cod_core.errors import BadInput
from cod_core.store import items, projects
from cod_core.text import folded
from cod_core.types import UNATTENDED, Counterfactual
from cod_core.workspace.base import Base


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


class Judging(Base):
    """How good the proposals are."""

    def limits(self, pid: str) -> Thresholds:
        """The project's thresholds; the defaults where none were set."""
        return Thresholds.of(self.project(pid).settings.get("thresholds") or {})

    def set_limits(self, pid: str, values: dict) -> Thresholds:
        """Change thresholds. Raises BadInput for an unknown name or a value out of range; nothing is changed then."""
        known = asdict(self.limits(pid))
        if strange := [name for name in values if name not in known]:
            raise BadInput(f"There is no limit called {', '.join(strange)}. Choose from: {', '.join(known)}.")
        made = Thresholds.of({**known, **values})
        projects.update_settings(self.db, pid, {"thresholds": asdict(made)})
        return made

    def quality(self, pid: str) -> QualityCard:
        """The card. No model is loaded for it."""
        current, limits = self._state(pid), self.limits(pid)
        texts = {e.id: e for e in items.examples(self.db, pid) if e.split != "test"}
        held_out = self.judged(pid)
        by_example: dict[str, list[Counterfactual]] = {}
        for cf in current.counterfactuals:
            if cf.example_id in texts and cf.id in current.checks:
                by_example.setdefault(cf.example_id, []).append(cf)
        ratios, judge_name = self._fluency_of(pid, [(texts[i].text, cf.text) for i, cfs in by_example.items() for cf in cfs])
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
        failures = self.failed(pid) if self.project(pid).teacher else {}
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

    def _fluency_of(self, pid: str, pairs: list[tuple[str, str]]) -> tuple[dict[tuple[str, str], float], str]:
        """((original, text) -> fluency ratio where known, name of the judge). Word pairs judge at once; what a language
        model says is read from the record only (measure_fluency fills it)."""
        from cod_core.models.fluency import WordPairFluency

        judge = self.fluency_judge(pid)
        if judge is None or not pairs:
            return {}, "nothing yet"
        values = self.fluency(pid, pairs, measure=isinstance(judge, WordPairFluency))
        return {pair: value for pair, value in zip(pairs, values) if value is not None}, judge.name

    def accept_within_limits(self, pid: str, annotator: str = UNATTENDED) -> dict:
        """Accept the best proposal of each undecided text where no threshold rejects it. Returns {"accepted", "held_back"}."""
        card, accepted, held = self.quality(pid), 0, 0
        for one in self.cards(pid):
            if one.decision is not None or one.stale or one.check is None or not one.check.valid:
                continue
            if card.verdicts.get(one.offered.id, ("ok",))[0] == "reject":
                held += 1
                continue
            self.decide(pid, one.offered.id, "accepted", annotator)
            accepted += 1
        return {"accepted": accepted, "held_back": held}
