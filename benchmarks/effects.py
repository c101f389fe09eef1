"""From finished cells to a table of effects: paired intervals, exact permutation tests, Holm over the table."""

from collections import Counter, defaultdict

import numpy as np

import cod_core
from benchmarks import paper_numbers
from cod_core.diagnostics.stats import sign_flip_p
from cod_core.diagnostics.tables import holm
from cod_core.distill.kinds import FINETUNED, kind_of
from cod_core.store import runs

SMALL = (8, 16, 32)


def variant(config) -> str:
    """A cell's settings beside arm, k and seed, in words: what a choice on development rows chooses among."""
    kind, layers = kind_of(config), config.encoder.partition("@")[2]
    names = f"+names{config.label_prior:g}" if config.label_prior else ""
    parts = [(f"{kind.name}@{layers}" if layers else kind.name) + names, config.arm]
    parts += [config.method] if config.method not in ("kd", "retrieval") else []
    parts += ["all layers"] if kind is FINETUNED and config.method == "kd" and not config.frozen_layers else []
    parts += [config.hard_loss] if config.hard_loss != "ce" else []
    parts += [f"share {config.cf_share:g}"] if config.cf_share != 0.5 else []
    parts += [f"weight {config.cf_weight:g}"] if config.cf_weight != 1 else []
    parts += [f"soft {config.soft_labels}"] if config.soft_labels != "teacher" else []
    parts += [config.cf_source] if config.cf_source and config.arm not in ("kd", "half") else []
    return " ".join(parts)


def task_table(w, pid: str, name: str) -> dict | None:
    """The JSON of one task: mean and deviation by variant and k, effects against KD, choices on development rows."""
    cells: dict[tuple[str, int], dict[int, object]] = defaultdict(dict)
    revision = w.project(pid).teacher.classifier().revision
    for run in runs.runs(w.db, pid):
        if run.config.teacher_revision == revision:
            cells[variant(run.config), run.config.plotted_k][run.config.seed] = run
    if not cells:
        return None
    truth, first = w.project(pid).results.truth(), next(iter(next(iter(cells.values())).values()))
    pairs = w.project(pid).draws.pairs_allow(w.project(pid).pairs.kept())
    table = {
        "task": name,
        "version": cod_core.__version__,
        "teacher": revision,
        "n_test": int(first.test["n"]),
        "pairs": pairs,
        "generators": dict(Counter(f"{cf.origin.name} {cf.origin.revision}".strip() for cf, _ in w.project(pid).pairs.kept().values())),
        "teacher_accuracy": round(first.test["teacher_accuracy"], 4),
        "majority": round(first.test["majority"], 4),
        "cells": {},
        "effects": [],
    }
    for (label, k), found in sorted(cells.items(), key=lambda item: (item[0][0], item[0][1])):
        table["cells"].setdefault(label, {})[str(k)] = {
            **{
                f"{split}_{m}": round(float(np.mean([getattr(r, split)[m] for r in found.values()])), 4)
                for split in ("test", "dev")
                for m in ("accuracy", "mcc", "agreement")
                if m in getattr(first, split)
            },
            "sd": round(float(np.std([r.test["accuracy"] for r in found.values()], ddof=1)), 4) if len(found) > 1 else None,
            "n": len(found),
            "seconds": round(float(np.mean([r.seconds for r in found.values()])), 4),
        }
    for student in sorted({label.split()[0] for label, _ in cells}):
        for k in sorted({k for label, k in cells if label == f"{student} kd"}):
            table["effects"] += _effects(w, pid, cells, student, k, truth)
    return table


def _effects(w, pid, cells, student: str, k: int, truth) -> list[dict]:
    """cod - kd at one k, and the variant chosen by mean development accuracy - kd."""
    base = cells[f"{student} kd", k]
    candidates = {
        label: found
        for (label, kk), found in cells.items()
        if kk == k
        and (label == f"{student} kd" or label.startswith(f"{student} cod"))
        and "cod_plus" not in label
        and "soft" not in label
        and set(found) >= set(base)
    }
    best = max(candidates, key=lambda label: (np.mean([candidates[label][s].dev["accuracy"] for s in base]), label))
    plain = [
        label
        for label in candidates
        if label == f"{student} cod" or (label.startswith(f"{student} cod ") and "share" not in label and "weight" not in label)
    ]
    out = []
    for kind, label in [
        ("cod", max(plain, key=lambda x: np.mean([candidates[x][s].dev["accuracy"] for s in base]))) if plain else ("", ""),
        ("chosen", best),
    ]:
        if not kind:
            continue
        both = [(base[s], candidates[label][s]) for s in sorted(base)]
        measured = w.project(pid).results.paired_measures([(a.config.run_id, b.config.run_id) for a, b in both], truth).get("accuracy")
        mcc = np.array([b.test["mcc"] - a.test["mcc"] for a, b in both])
        effect = measured["effect"] if measured else None
        out.append(
            {
                "student": student,
                "k": k,
                "kind": kind,
                "variant": label,
                "kd": round(measured["before"], 4),
                "other": round(measured["after"], 4),
                **{n: effect[n] for n in ("mean", "low", "high", "p_signflip", "clear", "caveat")},
                "mcc": round(float(mcc.mean()), 4),
                "mcc_p": sign_flip_p(mcc),
                "n": len(both),
            }
        )
    return out


def report(found: dict[str, dict]) -> str:
    """Every table as text: ours, the effects with Holm over all small-k cells, and the paper's numbers for the same cells."""
    lines = []
    for name, table in found.items():
        lines.append(
            f"\n{name}: teacher {table['teacher_accuracy']:.3f}, majority {table['majority']:.3f}, {table['n_test']} "
            f"test texts, {table['pairs']} pairs"
        )
        for label, by_k in table["cells"].items():
            lines.append(
                f"  {label:34s}" + " ".join(f"{k}:{c['test_accuracy']:.3f}" for k, c in sorted(by_k.items(), key=lambda item: int(item[0])))
            )
        if name in paper_numbers.KD:
            for label, row in zip(("the paper, KD", "the paper, +CoD"), paper_numbers.KD[name]):
                lines.append(f"  {label:34s}" + " ".join(f"{k}:{v:.3f}" for k, v in zip(paper_numbers.SHOTS, row)))
    for student in sorted({e["student"] for t in found.values() for e in t["effects"]}):
        rows = [
            (name, e)
            for name, t in found.items()
            for e in t["effects"]
            if e["student"] == student and e["kind"] == "cod" and e["k"] in SMALL
        ]
        adjusted = holm([e["p_signflip"] for _, e in rows])
        clear = sum(p < 0.05 and e["mean"] > 0 for p, (_, e) in zip(adjusted, rows))
        lines.append(
            f"\n{student}: cod - kd at k <= 32, mean {np.mean([e['mean'] for _, e in rows]):+.3f} over {len(rows)} "
            f"cells, {clear} clear after Holm"
            if rows
            else ""
        )
        for p, (name, e) in zip(adjusted, rows):
            lines.append(
                f"  {name:8s} k={e['k']:<3d} {e['mean']:+.3f} [{e['low']:+.3f}, {e['high']:+.3f}] p {e['p_signflip']:.4f} "
                f"Holm {p:.4f}  MCC {e['mcc']:+.3f}  {e['variant']}"
            )
        for kind in ("cod", "chosen"):
            for k in sorted({e["k"] for t in found.values() for e in t["effects"] if e["student"] == student and e["k"] > 32}):
                large = [
                    (name, e)
                    for name, t in found.items()
                    for e in t["effects"]
                    if e["student"] == student and e["kind"] == kind and e["k"] == k
                ]
                lost = [name for name, e in large if e["high"] is not None and e["high"] < 0]
                lines.append(
                    f"  {kind} - kd at k={k}: mean {np.mean([e['mean'] for _, e in large]):+.4f} over {len(large)} tasks ("
                    + ", ".join(f"{n} {e['mean']:+.3f}" for n, e in large)
                    + f"); clearly negative: {lost or 'none'}"
                )
    return "\n".join(lines + ["", paper_numbers.DIFFERS])
