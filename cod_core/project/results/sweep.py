"""What the latest sweep found, as values: its table, its effects, its sentence. Reads a report as it lies on the disk; knows no store."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from cod_core.said import say
from cod_core.types import RunResult

if TYPE_CHECKING:
    from cod_core.diagnostics.free_draw import FreeDraw
    from cod_core.diagnostics.readings import Worth
    from cod_core.diagnostics.stats import Effect

OUTDATED = say("These results were written by an earlier version of the app. Compute them again; no student is trained anew.")


NOTHING = say("There is nothing to compare yet: no number of rows has both kinds of student.")


@dataclass(frozen=True)
class SweepResults:
    """table: one row an (arm, k). effects: one a k, of cod over kd. stale: teacher or decisions changed since.
    outdated: an earlier version of the app wrote the report; there are no effects in it. overruled: training texts on which
    students learnt a person's label and the teacher says another. without: labels left out of the comparison.
    worth: what the counterfactuals added to the texts that they are of, None where that was not measured. free: one a k, beside students
    on any texts; empty where none were trained."""

    runs: list[RunResult]
    table: list[dict[str, Any]]
    sentence: str
    effects: list[dict[str, Any]]
    teacher_accuracy: float | None
    majority: float | None
    stale: bool
    messages: list[str]
    outdated: bool = False
    overruled: int = 0
    without: list[str] = field(default_factory=list)
    worth: "Worth | None" = None
    free: "list[FreeDraw]" = field(default_factory=list)


def headline(effects: list[dict[str, Any]]) -> str:
    """The sentence of the largest k whose draws have at least half of their rows to themselves, of the largest where none has.

    The largest k that a project allows takes more than half of its pairs, so its draws can never say what others would show.
    Chosen by the rows alone: what the students answered has no part in it.
    """
    found = leading(effects)
    return found["sentence"] if found else NOTHING


def leading(effects: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """The effect whose sentence is the headline; None where there is none."""
    from cod_core.diagnostics.stats import MAX_OVERLAP, ONE_DRAW

    own = [e for e in effects if e["overlap"] is not None and e["overlap"] <= MAX_OVERLAP]
    several = [e for e in effects if e["caveat"] != ONE_DRAW]
    return next(reversed(own or several or list(effects)), None)


def worth_of(added: list[dict[str, Any]]) -> "Worth | None":
    """What the counterfactuals added, of the entry with most of them: on labelled test texts where there are any."""
    from cod_core.diagnostics.readings import Worth

    if not added:
        return None
    entry = added[-1]
    name, m = _main(entry)
    return Worth(
        pairs=entry["k"] // 2,
        before=m["before"],
        after=m["after"],
        effect=effect_of(m),
        n_rows=m["n_rows"],
        rows_are="unlabelled texts" if name == "agreement_unlabelled" else "test texts",
        right="right" if name == "accuracy" else "answered like the teacher",
        macro_f1=tuple(entry["macro_f1"]) if entry.get("macro_f1") else None,
    )


def free_of(report: Mapping[str, Any], labels: int) -> "list[FreeDraw]":
    """What the choice of rows did at each k of a report; empty where no student had a free draw. labels: how many are compared."""
    from cod_core.diagnostics.free_draw import Against, FreeDraw
    from cod_core.diagnostics.sentence import ACCURACY, AGREEMENT

    def against(entry: dict[str, Any]) -> Against:
        return Against(_main(entry)[1]["after"], effect_at(entry, labels))

    gains, beside = ({e["k"]: against(e) for e in report.get(name, [])} for name in ("effects", "free"))
    out = []
    for entry in report.get("choice", []):
        k, (name, m) = entry["k"], _main(entry)
        labelled = m["n_rows"] if name == "accuracy" else 0
        gained = k in gains and gains[k].gains
        out.append(FreeDraw(k, m["before"], against(entry), beside.get(k), gained, ACCURACY if labelled else AGREEMENT, labelled))
    return out


def _main(entry: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """(name, what was measured) of an entry's first measure: accuracy where there are labelled test texts."""
    name = next(name for name in ("accuracy", "agreement_unlabelled", "agreement") if name in entry["measures"])
    return name, entry["measures"][name]


def effect_at(entry: Mapping[str, Any], labels: int) -> "Effect":
    """The Effect of an entry's first measure; fewer than two rows of each label are no comparison."""
    from cod_core.diagnostics.stats import FEW_OF_LABELS
    from cod_core.distill.shots import least

    effect = effect_of(_main(entry)[1])
    return replace(effect, clear=False, caveat=FEW_OF_LABELS) if entry["k"] < least(labels) else effect


def flat_effect(entry: dict[str, Any], real: int | None, labels: int = 2) -> dict[str, Any]:
    """One k of a report as {k, measure, kd, cod, n_test, mean, low, high, ..., sentence}: accuracy where it was measured.

    real: texts among the k rows of its CoD students. labels: how many are compared; fewer than two rows of each are no comparison.
    """
    from cod_core.diagnostics.sentence import Measured, result_sentence

    found = {key: (m["before"], m["after"], effect_of(m), m["n_rows"]) for key, m in entry["measures"].items()}
    rows_are = {"agreement_unlabelled": "unlabelled texts"}
    agreement = next(
        ((*found[key], rows_are.get(key, "test texts")) for key in ("agreement_unlabelled", "agreement") if key in found), None
    )
    main, effect = _main(entry)[0], effect_at(entry, labels)
    before, after, _, n = found[main]
    sentence = result_sentence(
        entry["k"],
        before,
        after,
        effect,
        n,
        "accuracy" if main == "accuracy" else "agreement with the teacher",
        agreement=Measured(*agreement) if agreement and main == "accuracy" else None,
        majority=entry["majority"],
        rows_are=rows_are.get(main, "test texts"),
        real=real,
        macro_f1=tuple(entry["macro_f1"]) if entry.get("macro_f1") else None,
    )
    return {
        "k": entry["k"],
        "measure": main,
        "kd": before,
        "cod": after,
        "n_test": n,
        **asdict(effect),
        "overlap": entry["measures"][main].get("overlap"),
        **{name: entry[name] for name in ("macro_f1", "weighted") if name in entry},
        "sentence": sentence,
    }


def effect_of(measured: dict[str, Any]) -> "Effect":
    """The Effect of one measure of a report. One written before it was looked at which rows the draws share is never clear."""
    from cod_core.diagnostics.stats import UNKNOWN, Effect

    effect = Effect(**measured["effect"])
    return replace(effect, clear=False, caveat=UNKNOWN) if effect.clear and "overlap" not in measured else effect


def table_of(found: list[RunResult]) -> list[dict[str, Any]]:
    """One row an (arm, k): mean and standard deviation over draws of accuracy, agreement and MCC on the test."""
    groups = defaultdict(list)
    for run in found:
        groups[run.config.arm, run.config.plotted_k].append(run)
    table = []
    for (arm, k), group in sorted(groups.items(), key=lambda item: (item[0][1], item[0][0])):
        row: dict[str, Any] = {"arm": arm, "k": k, "rows": group[0].config.shots, "n_seeds": len(group)}
        for name, key in (
            ("mean", "accuracy"),
            ("agreement", "agreement"),
            ("mcc", "mcc"),
            ("agreement_unlabelled", "agreement_unlabelled"),
        ):
            values = [r.test[key] for r in group if key in r.test]
            row[name] = float(np.mean(values)) if values else None
            row["std" if name == "mean" else f"{name}_std"] = float(np.std(values, ddof=1)) if len(values) > 1 else None
        if row["agreement"] is None:
            row["agreement"], row["agreement_std"] = row["agreement_unlabelled"], row["agreement_unlabelled_std"]
        table.append(row)
    return table
