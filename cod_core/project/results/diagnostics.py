"""Diagnose: where teacher and students draw the line, how closely they follow, what their rows can tell.

Read on held-out pairs that no student saw. Margins, crossing gaps (text path), sampled boundary distances, the
surrogate's path, Fisher information and fidelity come from cod_core.diagnostics; here is only which students, which
texts, and what is kept on record.
"""

import numpy as np

from cod_core.distill.kinds import kind_of
from cod_core.errors import NotEnoughData
from cod_core.progress import Progress, silent
from cod_core.project.curation.pairs import Pairs
from cod_core.project.draws import Draws
from cod_core.project.filing import read_json, write_json
from cod_core.project.models import Models
from cod_core.project.place import Place, Room
from cod_core.project.proposals.searcher import Searcher
from cod_core.project.results.results import ResultsRoom
from cod_core.project.students.store import StudentStore
from cod_core.project.teacher.teacher import Teacher
from cod_core.project.texts.texts import Texts
from cod_core.store import cache, items, runs
from cod_core.text import short_hash

GAP_PAIRS = 60


FEWEST_PAIRS = 30  # for a clear gap: it is a length, not a right or wrong answer


VERSION = 3


def gap_values(found, measured: dict, phi, pairs: list[tuple[str, str]], draws: int, drawn) -> dict:
    """Gaps of "kd" and "cod" as plain values: per pair (means over draws), paired effects, per class pair.

    Lengths are divided by the median pair's. effect: of cod - kd, below 0 where the counterfactuals brought the lines
    together; ends: of the share of pairs on which the student has the teacher's class at both ends. drawn: what the draws
    share (row_sets.Drawn), None where that is not on record.
    """
    from dataclasses import asdict

    from cod_core.diagnostics import gaps
    from cod_core.diagnostics.stats import paired_interval

    kd, cod = measured["kd"], measured["cod"]
    unit, n = gaps.unit(kd), len(kd.pairs)
    out = {
        "unit": unit,
        "n": n,
        "draws": draws,
        "pairs": [list(pairs[i]) for i in kd.pairs],
        "from": kd.from_class.tolist(),
        "to": kd.to_class.tolist(),
        "arms": {},
    }
    if not n:
        return out
    for arm, gap in measured.items():
        sets = [s for s in gaps.set_distances(found, gap, phi) if s is not None]
        out["arms"][arm] = {
            "gap": (gap.gap.mean(0) / unit).tolist(),
            "mean": float(gap.gap.mean() / unit),
            "left_to_right": float(gap.left_to_right.mean() / unit),
            "censored": float(1 - gap.both_ends.mean()),
            "uncensored_mean": float(gap.gap[gap.both_ends].mean() / unit) if gap.both_ends.any() else None,
            "ends": gap.both_ends.mean(0).tolist(),
            "clean": float((gap.changes == 1).mean()),
            "longest": float(gap.gap.max(-1).mean() / unit),
            **{
                name: float(np.mean([getattr(s, name) for s in sets]) / unit) if sets else None for name in ("hausdorff", "hd95", "chamfer")
            },
        }
    rows = (cod.gap - kd.gap) / unit
    ends = cod.both_ends.astype(float) - kd.both_ends
    share = {"distinct_draws": drawn.distinct if drawn else None, "overlap": drawn.overlap if drawn else None}
    out["effect"] = asdict(paired_interval(rows.mean(-1), rows, min_rows=FEWEST_PAIRS, **share))
    out["ends"] = asdict(paired_interval(ends.mean(-1), ends, **share))
    out["by_class"] = [
        {"from": a, "to": b, "n": len(at), "kd": float(kd.gap[:, at].mean() / unit), "cod": float(cod.gap[:, at].mean() / unit)}
        for (a, b), at in gaps.by_class_pair(kd).items()
    ]
    return out


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
        results: ResultsRoom,
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

    def latest(self) -> dict | None:
        """What diagnose() found last, None before it ran or where an earlier version wrote it. stale: other students
        are on the Results page now."""
        found = read_json(self.results.report_path("diagnostics"))
        if found is None or found.get("version") != VERSION:
            return None
        return {**found, "stale": found["report"] != (self.results.report() or {}).get("made_at")}

    def run(self, progress: Progress = silent) -> dict:
        """Measure everything of this file on the latest sweep's KD and CoD students; kept until the next time.

        Held-out pairs: counterfactuals on record for texts outside the training split, then teacher-guided ones of
        test and unlabelled texts, 60 in all, searched once. Raises NotEnoughData before the first sweep.
        """
        report = self.results.report()
        if report is None:
            raise NotEnoughData("Distil students first: there is no student to compare with the teacher yet.")
        pairs = self.held_out_pairs(progress)
        if not pairs:
            raise NotEnoughData("No held-out pair could be made: no test or unlabelled text flips with a few edits.")
        progress(0, 1, "comparing the lines")
        ks = [e["k"] for e in report["effects"]]
        out = {
            "version": VERSION,
            "report": report["made_at"],
            "margins": self.pair_margins(),
            "gaps": self.crossing_gaps(report, pairs, ks),
            "n_pairs": len(pairs),
            "ks": ks,
            "labels": list(self.labels),
            "fidelity": {k: self.fidelities(report, k) for k in ks},
            "information": {k: self.informations(report, k) for k in ks},
        }
        write_json(self.results.report_path("diagnostics"), out)
        return {"n_pairs": len(pairs), "ks": ks}

    def held_out_pairs(self, progress: Progress = silent, wanted: int = GAP_PAIRS) -> list[tuple[str, str]]:
        """Up to `wanted` pairs (text, counterfactual) that no student trained on, the same ones every time."""
        current = self.pairs.state()
        outside = {e.id: e for e in items.examples(self.db, self.id) if e.split != "train" or e.label is None}
        pairs = {}
        for cf in current.counterfactuals:
            check = current.checks.get(cf.id)
            if cf.example_id in outside and check is not None and check.valid:
                pairs.setdefault(cf.example_id, (outside[cf.example_id].text, cf.text))
        found = list(pairs.values())[:wanted]
        texts = sorted(
            (e for e in outside.values() if e.split in ("test", "unlabelled") and e.id not in pairs),
            key=lambda e: short_hash("held out", e.id),
        )
        propose = self.searcher.proposer() if len(found) < wanted and texts else None
        for example in texts[: 2 * wanted]:
            if len(found) >= wanted:
                break
            progress(len(found), wanted, "making held-out pairs")
            text = self._held_out(example, propose)
            if text:
                found.append((example.text, text))
        return found

    def _held_out(self, example, propose) -> str | None:
        """The text of a counterfactual of a test text, searched once and remembered."""
        teacher = self.teacher.classifier()
        mark = f"heldout:{short_hash(self.id, teacher.id, teacher.revision, example.id)}"
        known = cache.get_reply(self.db, mark)
        if known is None:
            found = propose(example, 1)
            known = {"text": found[0].text if found else None}
            cache.put_reply(self.db, self.id, mark, known)
        return known["text"]

    def pair_margins(self) -> dict:
        """The teacher's margins of the original's class: {"ids", "originals", "cfes", "near"} over the kept pairs."""
        from cod_core.diagnostics.margins import margins, near_boundary

        kept, labels = self.pairs.kept(), self.labels
        sources = [labels.index(check.before.label) for _, check in kept.values()]
        rows = {name: [getattr(c, side).logprobs for _, c in kept.values()] for name, side in (("originals", "before"), ("cfes", "after"))}
        out = {name: margins(z, sources).tolist() if kept else [] for name, z in rows.items()}
        targets = [labels.index(check.target) for _, check in kept.values()]
        return {"ids": list(kept), **out, "near": near_boundary(rows["cfes"], targets) if kept else None}

    def crossing_gaps(self, report: dict, pairs: list[tuple[str, str]], ks: list[int]) -> dict:
        """k -> paired gaps of KD and CoD students (see _gaps_at), every text read once by every model."""
        from cod_core.diagnostics import gaps

        found, teacher = gaps.paths(pairs), self.teacher.classifier()
        rows, texts = teacher.logprobs(found.texts), list(found.texts)
        out = {}
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
                out[k]["surrogate"] = self._surrogate(configs, phi, rows, ends)
        return out

    def _has_arm(self, report: dict, arm: str) -> bool:
        chosen = set(report["run_ids"])
        return any(r.config.arm == arm and r.config.run_id in chosen for r in runs.runs(self.db, self.id))

    def _surrogate(self, configs: dict, phi, teacher_rows, ends) -> dict | None:
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
        kept = [i for i, level in enumerate(levels) if level is not None]
        points = sets.points_at(a[kept], b[kept], [levels[i] for i in kept])
        out = {"agreement": agreement, "n": len(kept)}
        for arm in configs:
            w, c = self.store.heads(configs[arm])
            w = w * SCALE
            lower = [float(sets.distance_to_boundary(points, *head).max()) for head in zip(w, c)] if kept else []
            angles = [float(np.mean(list(head_angles(weight, head).values()))) for head in w]
            out[arm] = {"lower": float(np.mean(lower)) if lower else None, "angle": float(np.mean(angles))}
        return out

    def fidelities(self, report: dict, k: int) -> dict:
        """arm -> {measure: mean over draws} on the test texts, on the unlabelled ones where there are none."""
        from dataclasses import asdict

        from cod_core.diagnostics.fidelity import fidelity

        seeds, configs = self.results.paired_students(report, k)
        rows = items.examples(self.db, self.id, split="test") or items.examples(self.db, self.id, split="unlabelled")
        if not seeds or not rows or not kind_of(configs["kd"][0]).reads_any_text:
            return {}
        labels, texts = self.labels, [e.text for e in rows]
        gold = np.array([labels.index(e.label) if e.label else -1 for e in rows])
        teacher, out = self.teacher.classifier().logprobs(texts), {"n": len(rows)}
        for arm in configs:
            each = []
            for student in self.store.logprobs(configs[arm], texts):
                f = fidelity(teacher, student, gold, resamples=0)
                q = asdict(f.student) if f.student else {}
                each.append(
                    {
                        "agreement": f.agreement.value,
                        "kl": f.kl,
                        "js": f.js,
                        "ece_teacher": f.to_teacher[0],
                        **{name: q[name] for name in ("macro_f1", "mcc", "brier", "nll", "ece") if name in q},
                    }
                )
            out[arm] = {name: float(np.mean([e[name] for e in each])) for name in each[0] if each[0][name] is not None}
        return out

    def informations(self, report: dict, k: int) -> dict | None:
        """{"real", "pairs"}: Fisher information of k real rows and of k/2 + k/2, mean over draws; None where the rows
        of the sweep cannot be drawn again (decisions or the teacher changed since, other shares or soft labels than the usual
        ones), or there are fewer than 2 texts to find directions in."""
        from dataclasses import asdict

        from cod_core.diagnostics import information
        from cod_core.distill.arms import data_hash, rows_for
        from cod_core.distill.linear import SCALE, linear_logits, log_softmax

        seeds, configs = self.results.paired_students(report, k)
        if not seeds or not kind_of(configs["kd"][0]).head or report["state"] != self.results.state_mark():
            return None
        free = [e.text for split in ("unlabelled", "validation", "test") for e in items.examples(self.db, self.id, split=split)][:2000]
        if len(free) < 2 or configs["cod"][0].cf_share != 0.5:
            return None
        pool = self.texts.pool()
        pairs, _ = self.draws.fair({i: cf for i, (cf, _) in self.pairs.chosen(report.get("only")).items()}, pool)
        available, plus = self.draws.balanced(pairs, pool), self._has_arm(report, "cod_plus")
        need = min(available, max(n if plus and n <= available else n // 2 for n in report["shots"]))
        orders = self.draws.sweep_orders(seeds, max(report["shots"]), need, pairs)
        encoder, teacher = self.models.encoder_of(configs["kd"][0]), self.teacher.classifier()
        reduce = information.reduction(encoder.encode(free), k)
        found: dict[str, list] = {"real": [], "pairs": []}
        for at, seed in enumerate(seeds):
            for name, arm in (("real", "kd"), ("pairs", "cod")):
                rows = rows_for(arm, orders[seed], k, pool, pairs)
                texts = [row.text for row in rows]
                if data_hash(rows, teacher.logprobs(texts)) != configs[arm][at].data_hash:
                    return None
                phi = encoder.encode(texts)
                weight, bias = self.store.heads(configs[arm][at : at + 1])
                probs = np.exp(log_softmax(linear_logits(phi, weight, bias)))[0]
                found[name].append(asdict(information.information(SCALE * reduce(phi), probs, configs[arm][at].l2)))
        return {name: {key: float(np.mean([f[key] for f in each])) for key in each[0]} for name, each in found.items()}
