"""The chapters of the results as sections: what each shows and says. Values in, sections out; asks no room.

for_file: for a file that has to stand alone: fewer texts, no words on clicking, titles that name the number of rows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from cod_core import figures
from cod_core.diagnostics.notes import NOTES
from cod_core.diagnostics.sentence import verdict
from cod_core.diagnostics.stats import MIN_ROWS, ONE_DRAW
from cod_core.export.sections import Section
from cod_core.project.results.diagnosis import FIDELITIES, ArmGaps, Diagnosis, GapsAt, PairMargins
from cod_core.project.results.influence import Worth
from cod_core.project.results.maps import AnswersOf, TextMap
from cod_core.project.results.sweep import SweepResults
from cod_core.said import several

CHAPTERS = ("bought", "line", "map", "answers", "worth")
SCREEN_TEXTS, FILE_TEXTS = (8, 400), (12, 300)  # how many won and lost texts are shown, and how many characters of each
MESSAGES = 50
EQUAL_ROWS = "The method at equal numbers of training rows: your texts alone, or half of them counterfactuals"
WITHOUT, WITH = "without", "with counterfactuals"
DISTANCES = {
    "mean": "gap, mean",
    "left_to_right": "gap, left to right only",
    "uncensored_mean": "gap, both ends right",
    "censored": "share that misses an end",
    "hausdorff": "distance of the lines, largest (sampled)",
    "hd95": "distance of the lines, 95th percentile",
    "chamfer": "distance of the lines, typical",
}
SURROGATE = {"angle": "angle, degrees", "lower": "distance is at least"}
INFORMATION = {
    "log_det": "log det (more is better)",
    "trace_inverse": "trace of the inverse (less is better)",
    "least": "least eigenvalue (more is better)",
}


def bought(found: SweepResults) -> list[Section]:
    """Accuracy and agreement against the number of training rows."""
    accuracy = any(row.get("mean") is not None for row in found.table)
    curves = [figures.accuracy_curve(found.table, found.teacher_accuracy, found.majority)] if accuracy else []
    unlabelled = "" if accuracy else "There are no labelled test texts, so accuracy cannot be measured."
    out = [
        Section("Accuracy", figures=curves, caption=unlabelled, id="accuracy", half=True),
        Section("Agreement with the teacher", figures=[figures.agreement_curve(found.table)], id="agreement", half=True),
    ]
    if found.effects:
        out.append(Section("", lines=[e["sentence"] for e in found.effects], fold=EQUAL_ROWS))
    if n := found.overruled:
        said = "1 training text carries your label" if n == 1 else f"{n:,} training texts carry your label"
        out.append(Section("Where you overruled the teacher", lead=f"{said} where the teacher says another. Students learnt yours."))
    if found.messages:
        out.append(Section("", lines=[in_words(m) for m in found.messages[:MESSAGES]], fold="What could not be computed"))
    every = in_table(found.table)
    notes = ["difference", "accuracy", "agreement"]
    return [*out, Section("", rows=every, numbers=found.table, fold="Every number", id="results", notes=notes)]


SHARES = {
    "mean": "right on test texts",
    "agreement": "same answer as the teacher, test texts",
    "agreement_unlabelled": "same answer as the teacher, texts without labels",
}


def in_table(table: Sequence[Mapping[str, Any]]) -> list[dict[str, object]]:
    """Rows of a sweep as people read them: every column in words, a mean with its spread over draws in one cell."""
    shares = [key for key in SHARES if any(row.get(key) is not None for row in table)]
    correlated = any(row.get("mcc") is not None for row in table)
    return [
        {
            "students that learnt from": figures.ARM_STYLE.get(row["arm"], (row["arm"],))[0],
            "compared at": row["k"],
            "training rows": row.get("rows") or row["k"],
            "draws": row.get("n_seeds", 1),
            **{SHARES[key]: _spread(row.get(key), row.get("std" if key == "mean" else f"{key}_std"), 100, " %") for key in shares},
            **({"Matthews correlation": _spread(row.get("mcc"), row.get("mcc_std"))} if correlated else {}),
        }
        for row in table
    ]


def _spread(mean: float | None, std: float | None, times: int = 1, unit: str = "") -> str:
    """'83 % ± 8', or '0.72 ± 0.12'; a dash where nothing was measured."""
    if mean is None:
        return "–"
    digits = 0 if times == 100 else 2
    return f"{times * mean:.{digits}f}{unit}" + ("" if std is None else f" ± {times * std:.{digits}f}")


def left_out(found: SweepResults) -> list[str]:
    """What was not compared, of all that is on record: said beside the result, not only among what could not be computed."""
    return [message for message in found.messages if in_words(message) == message]


def in_words(message: str) -> str:
    """A message of a sweep with its arm named as in the curves."""
    arm, _, why = message.partition(": ")
    return f"{figures.ARM_STYLE[arm][0]}: {why}" if arm in figures.ARM_STYLE else message


def line(seen: Diagnosis, k: int | None, for_file: bool = False) -> list[Section]:
    """Where teacher and students draw the line, at k training rows (the largest number measured where None)."""
    out = [margins_of(seen.margins)]
    k = max(seen.gaps, default=None) if k is None else k
    if k is None or k not in seen.gaps:
        return out
    at = f", at {k} training rows" if for_file else ""
    out.append(gaps_at(seen.gaps[k], seen.labels, k, at))
    if (fidelity := seen.fidelity.get(k) or {}).get("kd"):
        out.append(fidelity_of(fidelity["kd"], fidelity["cod"], k, at))
    if information := seen.information.get(k):
        out.append(information_of(information["real"], information["pairs"], k, at))
    return out


def margins_of(margins: PairMargins) -> Section:
    """How near the counterfactuals are to the teacher's line."""
    title = "How near your counterfactuals are to the teacher's line"
    if not margins.ids:
        return Section(title, caption="No counterfactual is accepted yet.", id="margins")
    near = margins.near
    return Section(
        title,
        figures=[figures.margin_histogram(margins.originals, margins.cfes)],
        caption=""
        if near is None
        else f"{near:.0%} of your counterfactuals are near the line (the teacher is 30 to 70 % sure of the new label).",
        numbers=[{"id": i, "original": a, "counterfactual": b} for i, a, b in zip(margins.ids, margins.originals, margins.cfes)],
        notes=["margins"],
        id="margins",
    )


def gap_sentence(gap: GapsAt, k: int) -> str:
    """The paired difference of the gaps in words. Raises ValueError where no pair was measured."""
    e, kd, cod = gap.effect, gap.arms.get("kd"), gap.arms.get("cod")
    if e is None or kd is None or cod is None:
        raise ValueError("there is no pair that the teacher flips, so nothing is known of the gap")
    more = "" if e.low is None else f", 95 % interval of the difference {e.low:+.2f} to {e.high:+.2f}".replace("-", "−")
    said = f"counterfactuals {'brought the lines together' if e.mean < 0 else 'drove the lines apart'}"
    if not e.clear:
        said = verdict(e, MIN_ROWS)
    draws = ONE_DRAW if e.caveat == ONE_DRAW else several(gap.draws, "draw")
    return (
        f"At {k} training rows the gap between the lines is {cod.mean:.2f} with counterfactuals and {kd.mean:.2f} without, in "
        f"units of the median pair{more}, {several(gap.n, 'pair')}, {draws}: {said}. Students with "
        f"counterfactuals give the teacher's answer at both ends of {1 - cod.censored:.0%} of the "
        f"pairs, the others of {1 - kd.censored:.0%}."
    )


def gaps_at(gap: GapsAt, labels: Sequence[str], k: int, at: str = "") -> Section:
    """How far the student's line is from the teacher's."""
    title = f"How far the student's line is from the teacher's{at}"
    if not gap.n:
        return Section(title, caption="The teacher flips none of the held-out pairs.", id="gaps")
    arms, kd, cod = gap.arms, gap.arms["kd"], gap.arms["cod"]
    return Section(
        title,
        gap_sentence(gap, k),
        [
            figures.crossing_gap_plot({a: arms[a].gap for a in arms}, {a: arms[a].censored for a in arms}),
            figures.paired_gap_plot(gap.pairs, kd.gap, cod.gap),
        ],
        distances(gap, kd, cod, labels),
        ["gap", "ends", "hausdorff", *(["surrogate"] if gap.surrogate else [])],
        numbers=[{"text": a, "counterfactual": b, "gap_without": x, "gap_with": y} for (a, b), x, y in zip(gap.pairs, kd.gap, cod.gap)],
        fold="More distances",
        id="gaps",
    )


def distances(gap: GapsAt, kd: ArmGaps, cod: ArmGaps, labels: Sequence[str]) -> list[dict[str, Any]]:
    """Every distance between the lines as a row; per class pair where there are more than two labels."""
    rows = both(asdict(kd), asdict(cod), DISTANCES)
    if len(labels) > 2:
        rows += [{"measure": f"gap, {labels[c.source]} → {labels[c.target]} ({c.n})", WITHOUT: c.kd, WITH: c.cod} for c in gap.by_class]
    if view := gap.surrogate:
        agrees = f"straight-line view (agrees with the teacher on {view['agreement']:.0%})"
        rows += both(view["kd"], view["cod"], {key: f"{agrees}: {name}" for key, name in SURROGATE.items()})
    return rows


def fidelity_of(kd: Mapping[str, float], cod: Mapping[str, float], k: int, at: str = "") -> Section:
    """How closely the student follows."""
    measured = [m for m in FIDELITIES if m in kd]
    rows = both(kd, cod, {m: NOTES[m].name for m in measured})
    return Section(f"How closely the student follows{at}", rows=rows, notes=measured, id=f"fidelity-{k}")


def information_of(real: Mapping[str, float], pairs: Mapping[str, float], k: int, at: str = "") -> Section:
    """What the training rows can tell."""
    rows = both(real, pairs, INFORMATION, (f"{k} texts", f"{k // 2} texts and their counterfactuals"))
    return Section(f"What the training rows can tell{at}", rows=rows, notes=["information"], id=f"information-{k}")


def both(
    kd: Mapping[str, Any], cod: Mapping[str, Any], names: Mapping[str, str], columns: tuple[str, str] = (WITHOUT, WITH)
) -> list[dict[str, Any]]:
    """Rows {measure, columns}, one a name: key of the values -> in words."""
    return [{"measure": name, columns[0]: kd[key], columns[1]: cod.get(key)} for key, name in names.items()]


def text_map(seen: TextMap, for_file: bool = False) -> list[Section]:
    """The map of the texts."""
    how = "" if for_file else " Click on a text that has a counterfactual to open it in Curate; drag to move, scroll to come closer."
    return [
        Section(
            "Map of the texts",
            figures=[figures.text_map_plot(seen.dots, seen.pairs, seen.axis_label, webgl=not for_file)],
            caption=f"{seen.shown:,} of {seen.total:,} texts are drawn.{how}",
            numbers=[{key: d[key] for key in ("id", "x", "y", "split")} for d in seen.dots],
            notes=["map"],
            id="map",
            clicks=True,
            moves=True,
        )
    ]


def answers(seen: AnswersOf, for_file: bool = False) -> list[Section]:
    """Confusion by class pair, and the texts won and lost."""
    if not seen.texts:
        return []
    n, length = FILE_TEXTS if for_file else SCREEN_TEXTS
    won = [_answer(r, length) for r in seen.texts[:n] if r["cod"] > r["kd"]]
    lost = [_answer(r, length) for r in seen.texts[::-1][:n] if r["cod"] < r["kd"]]
    return [
        Section(
            "Which labels are mixed up",
            figures=[figures.confusion_plot(seen.labels, seen.shares)],
            caption="There are no labelled test texts; here the teacher's answer counts as true." if seen.by_teacher else "",
            numbers=_cells(seen),
            notes=["confusion"],
            id="confusion",
        ),
        Section("Won by your counterfactuals", rows=won, caption="" if won else "None.", id="won", half=True),
        Section("Lost", rows=lost, caption="" if lost else "None.", id="lost", half=True),
        Section("", numbers=seen.texts, notes=["won"], id="won-and-lost"),
    ]


def _answer(row: Mapping[str, Any], length: int) -> dict[str, Any]:
    return {"text": row["text"][:length], "label": row["label"], WITHOUT: row["kd"], WITH: row["cod"]}


def _cells(seen: AnswersOf) -> list[dict[str, Any]]:
    return [
        {"students": figures.ARM_STYLE[arm][0], "truly": seen.labels[i], "says": seen.labels[j], "share": share}
        for arm, rows in seen.shares.items()
        for i, row in enumerate(rows)
        for j, share in enumerate(row)
    ]


def worth(seen: Worth | None, for_file: bool = False) -> list[Section]:
    """What each kept counterfactual was worth."""
    if seen is None:
        return []
    n, length = FILE_TEXTS
    ends = {v["id"]: v for v in (*seen.values[:n], *seen.values[-n:])}.values() if for_file else ()
    helped = sum(v["nll"] > 0 for v in seen.values)
    how = "" if for_file else "Click on a bar to open the text in Curate. "
    return [
        Section(
            "What each counterfactual was worth",
            f"{helped} of your {len(seen.values)} counterfactuals helped the student that learns from "
            f"all of them, measured on {seen.n_dev:,} {seen.measured_on}.",
            [figures.worth_plot(seen.values)],
            [{"text": v["text"][:length], "counterfactual": v["counterfactual"][:length], "worth": v["nll"]} for v in ends],
            ["worth"],
            caption=f"{how}A small harm is no reason to reject: it may be chance.{_checked(seen)}",
            numbers=seen.values,
            id="worth",
            clicks=True,
        )
    ]


def _checked(seen: Worth) -> str:
    if seen.checked is None:
        return ""
    rank = seen.checked.spearman
    said = "" if rank is None else f" (rank correlation of the order {rank:.3f})"
    return (
        f" Checked by training {seen.checked.n} students without one counterfactual each: the worth was off by at most "
        f"{seen.checked.error:.1%} of the largest bar{said}."
    )
