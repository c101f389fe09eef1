"""Diagnose: where teacher and students draw the line, how closely they follow, what their rows can tell.

Read on held-out pairs that no student saw. Margins, crossing gaps (text path), sampled boundary distances, the
surrogate's path, Fisher information and fidelity come from cod_core.diagnostics; here is only which students, which
texts, and what is kept on record.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from cod_core.counterfactuals.options import SearchOptions
from cod_core.distill.kinds import kind_of
from cod_core.errors import NotEnoughData
from cod_core.progress import Progress, silent
from cod_core.project.curation.pairs import Pairs
from cod_core.project.draws import Draws
from cod_core.project.filing import read_json, write_json
from cod_core.project.models import Models
from cod_core.project.place import Place, Room, needs
from cod_core.project.proposals.searcher import Searcher
from cod_core.project.results.diagnosis import Diagnosis, GapsAt, PairMargins, follows, gap_values, mean_of
from cod_core.project.results.results import Results
from cod_core.project.students.store import StudentStore
from cod_core.project.teacher.teacher import Teacher
from cod_core.project.texts.texts import Texts
from cod_core.said import msg, say
from cod_core.store import cache, items, runs
from cod_core.text import short_hash
from cod_core.types import Example, RunConfig

if TYPE_CHECKING:
    from cod_core.counterfactuals.batch import Searched
    from cod_core.diagnostics.information import Reduction
    from cod_core.distill.arms import TrainRow

GAP_PAIRS = 60

VERSION = 3


class Diagnostics(Room):
    """Teacher against students, beyond accuracy."""

    def __init__(
        self,
        place: Place,
        models: Models,
        texts: Texts,
        teacher: Teacher,
        pairs: Pairs,
        draws: Draws,
        searcher: Searcher,
        store: StudentStore,
        results: Results,
    ):
        super().__init__(place)
        self.models = models
        self.texts = texts
        self.teacher = teacher
        self.pairs = pairs
        self.draws = draws
        self.searcher = searcher
        self.store = store
        self.results = results

    def latest(self) -> Diagnosis | None:
        """What `run` measured last, None before it ran or where an earlier version wrote it."""
        found = read_json(self.results.report_path("diagnostics"))
        if found is None or found.get("version") != VERSION:
            return None
        return Diagnosis.of(found, stale=found["report"] != (self.results.report() or {}).get("made_at"))

    @needs("distil")
    def run(self, progress: Progress = silent) -> dict[str, Any]:
        """Measure everything of this file on the latest sweep's KD and CoD students; kept until the next time.

        Held-out pairs: counterfactuals on record for texts outside the training split, then teacher-guided ones of
        test and unlabelled texts, 60 in all, searched once. Raises NotEnoughData before the first sweep.
        """
        report = self.results.report()
        if report is None:
            raise NotEnoughData(say("Distil students first: there is no student to compare with the teacher yet."))
        pairs = self.held_out_pairs(progress)
        if not pairs:
            raise NotEnoughData(say("No held-out pair could be made: no test or unlabelled text flips with a few edits."))
        progress(0, 1, msg("comparing the lines"))
        ks = [e["k"] for e in report["effects"]]
        out = Diagnosis(
            version=VERSION,
            report=report["made_at"],
            margins=self.pair_margins(),
            gaps=self.crossing_gaps(report, pairs, ks),
            n_pairs=len(pairs),
            ks=ks,
            labels=list(self.labels),
            fidelity={k: self.fidelities(report, k) for k in ks},
            information={k: self.informations(report, k) for k in ks},
        )
        write_json(self.results.report_path("diagnostics"), out.to_json())
        return {"n_pairs": len(pairs), "ks": ks}

    def held_out_pairs(self, progress: Progress = silent, wanted: int = GAP_PAIRS) -> list[tuple[str, str]]:
        """Up to `wanted` pairs (text, counterfactual) that no student trained on, the same ones every time."""
        outside = {e.id: e for e in items.examples(self.db, self.id) if e.split != "train" or e.label is None}
        pairs = self._pairs_on_record(outside)
        found = list(pairs.values())[:wanted]
        texts = sorted(
            (e for e in outside.values() if e.split in ("test", "unlabelled") and e.id not in pairs),
            key=lambda e: short_hash("held out", e.id),
        )[: 2 * wanted]
        while len(found) < wanted and texts:
            now, texts = texts[: wanted - len(found)], texts[wanted - len(found) :]  # each of these would be searched one by one, too
            flips = self._held_out(now, partial(self._said, progress, len(found), wanted))
            found += [(example.text, flip) for example, flip in zip(now, flips) if flip]
        return found

    @staticmethod
    def _said(progress: Progress, before: int, wanted: int, made: int) -> None:
        progress(before + made, wanted, msg("making held-out pairs"))

    def _pairs_on_record(self, outside: Mapping[str, Example]) -> dict[str, tuple[str, str]]:
        """Text's id -> (text, its first valid counterfactual) among these texts."""
        current = self.pairs.state()
        pairs: dict[str, tuple[str, str]] = {}
        for cf in current.counterfactuals:
            check = current.checks.get(cf.id)
            if cf.example_id in outside and check is not None and check.valid:
                pairs.setdefault(cf.example_id, (outside[cf.example_id].text, cf.text))
        return pairs

    def _held_out(self, examples: Sequence[Example], tell: Callable[[int], object]) -> list[str | None]:
        """The text of a counterfactual of each test text, searched once, wherever heavy work runs, and remembered. tell: hears how many
        were found."""
        known = self._held_out_before(examples)
        new = [example for example in examples if example.id not in known]

        def keep(number: int, found: "Searched") -> None:
            known[new[number].id] = found.proposals[0].text if found.proposals else None
            cache.put_reply(self.db, self.id, self._held_out_mark(new[number]), {"text": known[new[number].id]})

        def said() -> None:
            tell(sum(flip is not None for flip in known.values()))

        said()
        if new:
            pieces = self.searcher.pieces(new)
            with self.searcher.engine(SearchOptions()) as at_work, closing(at_work(pieces, said, keep)) as searched:
                for number, found in enumerate(searched):
                    keep(number, found)
                    said()
        return [known[example.id] for example in examples]

    def _held_out_mark(self, example: Example) -> str:
        """Where it is kept what a search found; a restored project finds it by its new id."""
        teacher = self.teacher.classifier()
        return f"heldout:{self.id}:{short_hash(teacher.id, teacher.revision, example.id)}"

    def _held_out_before(self, examples: Sequence[Example]) -> dict[str, str | None]:
        """Text's id -> what an earlier search found, of those that were searched."""
        teacher, known = self.teacher.classifier(), dict[str, str | None]()
        for example in examples:
            before = f"heldout:{short_hash(self.id, teacher.id, teacher.revision, example.id)}"  # as earlier versions kept it
            found = cache.get_replies(self.db, [self._held_out_mark(example), before])
            for reply in found.values():
                known[example.id] = reply["text"]
        return known

    def pair_margins(self) -> PairMargins:
        """The teacher's margins of the original's class over the kept pairs."""
        from cod_core.diagnostics.margins import margins, near_boundary

        kept, labels = self.pairs.kept(), self.labels
        if not kept:
            return PairMargins([], [], [], None)
        checks = [check for _, check in kept.values()]
        sources = [labels.index(check.before.label) for check in checks]
        targets = [labels.index(check.target) for check in checks]
        before, after = [check.before.logprobs for check in checks], [check.after.logprobs for check in checks]
        return PairMargins(list(kept), margins(before, sources).tolist(), margins(after, sources).tolist(), near_boundary(after, targets))

    def crossing_gaps(self, report: dict[str, Any], pairs: list[tuple[str, str]], ks: list[int]) -> dict[int, GapsAt]:
        """k -> paired gaps of KD and CoD students, every text read once by every model."""
        from cod_core.diagnostics import gaps

        found, teacher = gaps.paths(pairs), self.teacher.classifier()
        rows, texts = teacher.logprobs(found.texts), list(found.texts)
        out: dict[int, GapsAt] = {}
        for k in ks:
            seeds, configs = self.results.paired_students(report, k)
            if not seeds or not kind_of(configs["kd"][0]).reads_any_text:  # it votes among stored texts: no model to ask
                continue
            phi = self.models.encoder_of(configs["kd"][0]).encode(texts)
            ends = np.array([[group[0][1][0], group[0][1][-1]] for group in found.of_pair])
            lengths = np.linalg.norm(phi[ends[:, 1]] - phi[ends[:, 0]], axis=1)
            read = {arm: self.store.logprobs(configs[arm], texts) for arm in configs}
            measured = {arm: gaps.gaps(found, rows, read[arm], lengths) for arm in configs}
            drawn = self.store.overlap([[c.run_id for c in configs[arm]] for arm in configs])
            out[k] = gap_values(found, measured, phi, pairs, len(seeds), drawn)
            if kind_of(configs["kd"][0]).head:
                out[k] = replace(out[k], surrogate=self._surrogate(configs, phi, ends))
        return out

    def _has_arm(self, report: dict[str, Any], arm: str) -> bool:
        chosen = set(report["run_ids"])
        return any(r.config.arm == arm and r.config.run_id in chosen for r in runs.runs(self.db, self.id))

    def _surrogate(self, configs: dict[str, list[RunConfig]], phi: np.ndarray, ends: np.ndarray) -> dict[str, Any] | None:
        """Path E: a linear stand-in for the teacher on the students' encoder, always with its agreement."""
        from cod_core.diagnostics import boundary_sets as sets
        from cod_core.diagnostics.geometry import head_angles
        from cod_core.distill.linear import SCALE

        texts = [e.text for split in ("test", "unlabelled", "validation") for e in items.examples(self.db, self.id, split=split)][:4000]
        if len(texts) < 50:
            return None
        weight, bias, agreement = sets.linear_surrogate(
            self.models.encoder_of(configs["kd"][0]).encode(texts), self.teacher.classifier().logprobs(texts)
        )
        a, b = (phi[ends[:, i]].astype(np.float64) for i in (0, 1))
        levels = [sets.linear_crossing(x @ weight.T + bias, y @ weight.T + bias) for x, y in zip(a, b)]
        crossed = {i: level for i, level in enumerate(levels) if level is not None}
        points = sets.points_at(a[list(crossed)], b[list(crossed)], list(crossed.values()))
        out: dict[str, Any] = {"agreement": agreement, "n": len(crossed)}
        for arm in configs:
            w, c = self.store.heads(configs[arm])
            w = w * SCALE
            lower = [float(sets.distance_to_boundary(points, *head).max()) for head in zip(w, c)] if crossed else []
            angles = [float(np.mean(list(head_angles(weight, head).values()))) for head in w]
            out[arm] = {"lower": float(np.mean(lower)) if lower else None, "angle": float(np.mean(angles))}
        return out

    def fidelities(self, report: dict[str, Any], k: int) -> dict[str, Any]:
        """arm -> {measure: mean over draws} on the test texts, on the unlabelled ones where there are none."""
        seeds, configs = self.results.paired_students(report, k)
        rows = items.examples(self.db, self.id, split="test") or items.examples(self.db, self.id, split="unlabelled")
        rows = [e for e in rows if e.label not in report.get("without", [])]
        if not seeds or not rows or not kind_of(configs["kd"][0]).reads_any_text:
            return {}
        labels, texts = self.labels, [e.text for e in rows]
        gold = np.array([labels.index(e.label) if e.label else -1 for e in rows])
        teacher = self.teacher.classifier().logprobs(texts)
        out: dict[str, Any] = {"n": len(rows)}
        for arm in configs:
            out[arm] = mean_of([follows(teacher, student, gold) for student in self.store.logprobs(configs[arm], texts)])
        return out

    def informations(self, report: dict[str, Any], k: int) -> dict[str, dict[str, float]] | None:
        """{"real", "pairs"}: Fisher information of k real rows and of k/2 + k/2, mean over draws; None where the rows
        of the sweep cannot be drawn again (decisions or the teacher changed since, other shares or soft labels than the usual
        ones), or there are fewer than 2 texts to find directions in."""
        from cod_core.diagnostics import information

        seeds, configs = self.results.paired_students(report, k)
        if not seeds or not kind_of(configs["kd"][0]).head or report["state"] != self.results.state_mark():
            return None
        free = [e.text for split in ("unlabelled", "validation", "test") for e in items.examples(self.db, self.id, split=split)][:2000]
        if len(free) < 2 or configs["cod"][0].cf_share != 0.5 or configs["cod"][0].class_weights or report.get("without"):
            return None
        draws = self._draws_again(report, k, seeds)
        reduce = information.reduction(self.models.encoder_of(configs["kd"][0]).encode(free), k)
        found: dict[str, list[dict[str, float]]] = {"real": [], "pairs": []}
        for at, seed in enumerate(seeds):
            for name, arm in (("real", "kd"), ("pairs", "cod")):
                measured = self._information_of(draws[arm][seed], configs[arm][at], reduce)
                if measured is None:
                    return None
                found[name].append(measured)
        return {name: mean_of(each) for name, each in found.items()}

    def _draws_again(self, report: dict[str, Any], k: int, seeds: list[int]) -> dict[str, dict[int, list["TrainRow"]]]:
        """arm -> seed -> the k rows that a sweep of these settings draws today."""
        from cod_core.distill.arms import rows_for
        from cod_core.distill.shots import drawn_evenly

        pool = self.texts.pool()
        pairs, _ = self.draws.fair({i: cf for i, (cf, _) in self.pairs.chosen(report.get("only")).items()}, pool)
        available, plus = self.draws.balanced(pairs, pool), self._has_arm(report, "cod_plus")
        even = drawn_evenly(report["shots"], len(self.labels), available, len(pairs))
        if k not in even:  # all pairs: an order of its own (SweepPlans)
            orders = self.draws.skewed_orders(seeds, max(k, len(pairs)), available, pairs)
        else:
            need = min(available, max(n if plus and n <= available else n // 2 for n in even))
            orders = self.draws.sweep_orders(seeds, max(even), need, pairs)
        return {arm: {seed: rows_for(arm, orders[seed], k, pool, pairs) for seed in seeds} for arm in ("kd", "cod")}

    def _information_of(self, rows: list["TrainRow"], config: RunConfig, reduce: "Reduction") -> dict[str, float] | None:
        """What these rows can tell the student trained on them; None where it was trained on others."""
        from cod_core.diagnostics import information
        from cod_core.distill.arms import data_hash
        from cod_core.distill.linear import SCALE, linear_logits, log_softmax

        texts = [row.text for row in rows]
        if data_hash(rows, self.draws.told(self.texts.pool())(texts)) != config.data_hash:
            return None
        phi = self.models.encoder_of(config).encode(texts)
        weight, bias = self.store.heads([config])
        probs = np.exp(log_softmax(linear_logits(phi, weight, bias)))[0]
        return asdict(information.information(SCALE * reduce(phi), probs, config.l2))
