"""The chapters of the results as sections: what each shows and says. Values in, sections out; asks no room.

for_file: for a file that has to stand alone: fewer texts, no words on clicking, titles that name the number of rows.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from cod_core import figures
from cod_core.diagnostics.notes import NOTES
from cod_core.diagnostics.sentence import verdict
from cod_core.diagnostics.stats import MIN_ROWS, ONE_DRAW
from cod_core.export.sections import Section
from cod_core.project.results.diagnosis import FIDELITIES, Diagnosis, GapsAt, PairMargins
from cod_core.project.results.distances import INFORMATION, WITH, WITHOUT, both, distances
from cod_core.project.results.influence import Worth
from cod_core.project.results.maps import AnswersOf, TextMap
from cod_core.project.results.sweep import SweepResults, leading
from cod_core.said import Said, msg, say, several, together

CHAPTERS = ("bought", "line", "map", "answers", "worth")
SCREEN_TEXTS, FILE_TEXTS = (8, 400), (12, 300)  # how many won and lost texts are shown, and how many characters of each
MESSAGES = 50
EQUAL_ROWS = say("The method at equal numbers of training rows: your texts alone, or half of them counterfactuals")


def bought(found: SweepResults) -> list[Section]:
    """Accuracy and agreement against the number of training rows."""
    accuracy = any(row.get("mean") is not None for row in found.table)
    curves = [figures.accuracy_curve(found.table, found.teacher_accuracy, found.majority)] if accuracy else []
    unlabelled = "" if accuracy else say("There are no labelled test texts, so accuracy cannot be measured.")
    out = [
        Section(say("Accuracy"), figures=curves, caption=unlabelled, id="accuracy", half=True),
        Section(say("Agreement with the teacher"), figures=[figures.agreement_curve(found.table)], id="agreement", half=True),
    ]
    if found.effects:
        out.append(Section("", lines=[e["sentence"] for e in found.effects], fold=EQUAL_ROWS))
    if found.free:
        out.append(free_draw(found))
    if n := found.overruled:
        said = say(
            "{texts} your label where the teacher says another. Students learnt yours.",
            texts=several(n, "training text carries", "training texts carry"),
        )
        out.append(Section(say("Where you overruled the teacher"), lead=said))
    if found.messages:
        out.append(Section("", lines=[in_words(m) for m in found.messages[:MESSAGES]], fold=say("What could not be computed")))
    every = in_table(found.table)
    notes = ["difference", "accuracy", "agreement"]
    return [*out, Section("", rows=every, numbers=found.table, fold=say("Every number"), id="results", notes=notes)]


def free_draw(found: SweepResults) -> Section:
    """Students on any of the texts beside those on texts with a counterfactual, at every number of rows."""
    lead = leading(found.effects)
    one = next((one for one in found.free if lead and one.k == lead["k"]), found.free[-1])
    return Section(
        say("Does it matter which texts are drawn?"),
        one.owed(),
        caption=one.measured(),
        lines=[each.sentence() for each in found.free if each is not one],
        fold=say("The other numbers of training rows"),
        numbers=[each.numbers() for each in found.free],
        notes=["free_draw"],
        id="free-draw",
    )


SHARES = {
    "mean": msg("right on test texts"),
    "agreement": msg("same answer as the teacher, test texts"),
    "agreement_unlabelled": msg("same answer as the teacher, texts without labels"),
}


def in_table(table: Sequence[Mapping[str, Any]]) -> list[dict[str, object]]:
    """Rows of a sweep as people read them: every column in words, a mean with its spread over draws in one cell."""
    shares = [key for key in SHARES if any(row.get(key) is not None for row in table)]
    correlated = any(row.get("mcc") is not None for row in table)
    return [
        {
            msg("students that learnt from"): say(figures.ARM_STYLE[row["arm"]][0]) if row["arm"] in figures.ARM_STYLE else row["arm"],
            msg("compared at"): row["k"],
            msg("training rows"): row.get("rows") or row["k"],
            msg("draws"): row.get("n_seeds", 1),
            **{SHARES[key]: _spread(row.get(key), row.get("std" if key == "mean" else f"{key}_std"), 100, " %") for key in shares},
            **({msg("Matthews correlation"): _spread(row.get("mcc"), row.get("mcc_std"))} if correlated else {}),
        }
        for row in table
    ]


def _spread(mean: float | None, std: float | None, times: int = 1, unit: str = "") -> str:
    """'83 % ± 8', or '0.72 ± 0.12'; a dash where nothing was measured."""
    if mean is None:
        return "–"
    digits = 0 if times == 100 else 2
    share = f"{{mean:.{digits}f}}{unit}"
    return (
        Said(share, {"mean": times * mean})
        if std is None
        else Said(f"{share} ± {{std:.{digits}f}}", {"mean": times * mean, "std": times * std})
    )


def left_out(found: SweepResults) -> list[str]:
    """What was not compared, of all that is on record: said beside the result, not only among what could not be computed."""
    return [message for message in found.messages if in_words(message) == message]


def in_words(message: str) -> str:
    """A message of a sweep with its arm named as in the curves."""
    arm, _, why = message.partition(": ")
    return say("{arm}: {why}", arm=say(figures.ARM_STYLE[arm][0]), why=why) if arm in figures.ARM_STYLE else message


def line(seen: Diagnosis, k: int | None, for_file: bool = False) -> list[Section]:
    """Where teacher and students draw the line, at k training rows (the largest number measured where None)."""
    out = [margins_of(seen.margins)]
    k = max(seen.gaps, default=None) if k is None else k
    if k is None or k not in seen.gaps:
        return out
    at = say(", at {k} training rows", k=k) if for_file else ""
    out.append(gaps_at(seen.gaps[k], seen.labels, k, at))
    if (fidelity := seen.fidelity.get(k) or {}).get("kd"):
        out.append(fidelity_of(fidelity["kd"], fidelity["cod"], k, at))
    if information := seen.information.get(k):
        out.append(information_of(information["real"], information["pairs"], k, at))
    return out


def margins_of(margins: PairMargins) -> Section:
    """How near the counterfactuals are to the teacher's line."""
    title = say("How near your counterfactuals are to the teacher's line")
    if not margins.ids:
        return Section(title, caption=say("No counterfactual is accepted yet."), id="margins")
    near = margins.near
    return Section(
        title,
        figures=[figures.margin_histogram(margins.originals, margins.cfes)],
        caption=""
        if near is None
        else say("{near:.0%} of your counterfactuals are near the line (the teacher is 30 to 70 % sure of the new label).", near=near),
        numbers=[{"id": i, "original": a, "counterfactual": b} for i, a, b in zip(margins.ids, margins.originals, margins.cfes)],
        notes=["margins"],
        id="margins",
    )


def gap_sentence(gap: GapsAt, k: int) -> Said:
    """The paired difference of the gaps in words. Raises ValueError where no pair was measured."""
    e, kd, cod = gap.effect, gap.arms.get("kd"), gap.arms.get("cod")
    if e is None or kd is None or cod is None:
        raise ValueError("there is no pair that the teacher flips, so nothing is known of the gap")
    more: Said | str = ""
    if e.low is not None and e.high is not None:
        more = say(", 95 % interval of the difference {low} to {high}", low=_signed(e.low), high=_signed(e.high))
    said = say("counterfactuals brought the lines together") if e.mean < 0 else say("counterfactuals drove the lines apart")
    if not e.clear:
        said = verdict(e, MIN_ROWS)
    return say(
        "At {k} training rows the gap between the lines is {with_:.2f} with counterfactuals and {without:.2f} without, in "
        "units of the median pair{more}, {pairs}, {draws}: {said}. Students with "
        "counterfactuals give the teacher's answer at both ends of {both_with:.0%} of the "
        "pairs, the others of {both_without:.0%}.",
        k=k,
        with_=cod.mean,
        without=kd.mean,
        more=more,
        pairs=several(gap.n, "pair"),
        draws=say(ONE_DRAW) if e.caveat == ONE_DRAW else several(gap.draws, "draw"),
        said=said,
        both_with=1 - cod.censored,
        both_without=1 - kd.censored,
    )


def _signed(value: float) -> Said:
    """'+0.12', '−0.30'."""
    return Said(("−" if f"{value:+.2f}"[0] == "-" else "+") + "{value:.2f}", {"value": abs(value)})


def gaps_at(gap: GapsAt, labels: Sequence[str], k: int, at: str = "") -> Section:
    """How far the student's line is from the teacher's."""
    title = say("How far the student's line is from the teacher's{at}", at=at)
    if not gap.n:
        return Section(title, caption=say("The teacher flips none of the held-out pairs."), id="gaps")
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
        fold=say("More distances"),
        id="gaps",
    )


def fidelity_of(kd: Mapping[str, float], cod: Mapping[str, float], k: int, at: str = "") -> Section:
    """How closely the student follows."""
    measured = [m for m in FIDELITIES if m in kd]
    rows = both(kd, cod, {m: say(NOTES[m].name) for m in measured})
    return Section(say("How closely the student follows{at}", at=at), rows=rows, notes=measured, id=f"fidelity-{k}")


def information_of(real: Mapping[str, float], pairs: Mapping[str, float], k: int, at: str = "") -> Section:
    """What the training rows can tell."""
    rows = both(real, pairs, INFORMATION, (say("{texts} texts", texts=k), say("{texts} texts and their counterfactuals", texts=k // 2)))
    return Section(say("What the training rows can tell{at}", at=at), rows=rows, notes=["information"], id=f"information-{k}")


def text_map(seen: TextMap, for_file: bool = False) -> list[Section]:
    """The map of the texts."""
    how = "" if for_file else say("Click on a text that has a counterfactual to open it in Curate; drag to move, scroll to come closer.")
    return [
        Section(
            say("Map of the texts"),
            figures=[figures.text_map_plot(seen.dots, seen.pairs, seen.axis_label, webgl=not for_file)],
            caption=together((say("{shown:,} of {total:,} texts are drawn.", shown=seen.shown, total=seen.total), how)),
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
            say("Which labels are mixed up"),
            figures=[figures.confusion_plot(seen.labels, seen.shares)],
            caption=say("There are no labelled test texts; here the teacher's answer counts as true.") if seen.by_teacher else "",
            numbers=_cells(seen),
            notes=["confusion"],
            id="confusion",
        ),
        Section(say("Won by your counterfactuals"), rows=won, caption="" if won else say("None."), id="won", half=True),
        Section(say("Lost"), rows=lost, caption="" if lost else say("None."), id="lost", half=True),
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
    how = "" if for_file else say("Click on a bar to open the text in Curate.")
    harm = say("A small harm is no reason to reject: it may be chance.")
    return [
        Section(
            say("What each counterfactual was worth"),
            say(
                "{helped} of your {all} counterfactuals helped the student that learns from all of them, measured on {texts:,} {which}.",
                helped=helped,
                all=len(seen.values),
                texts=seen.n_dev,
                which=say(seen.measured_on),
            ),
            [figures.worth_plot(seen.values)],
            [{msg("text"): v["text"][:length], msg("counterfactual"): v["counterfactual"][:length], msg("worth"): v["nll"]} for v in ends],
            ["worth"],
            caption=together((how, harm, _checked(seen))),
            numbers=seen.values,
            id="worth",
            clicks=True,
        )
    ]


def _checked(seen: Worth) -> str:
    if seen.checked is None:
        return ""
    rank = seen.checked.spearman
    if rank is None:
        return say(
            "Checked by training {students} students without one counterfactual each: the worth was off by at most "
            "{error:.1%} of the largest bar.",
            students=seen.checked.n,
            error=seen.checked.error,
        )
    return say(
        "Checked by training {students} students without one counterfactual each: the worth was off by at most "
        "{error:.1%} of the largest bar (rank correlation of the order {rank:.3f}).",
        students=seen.checked.n,
        error=seen.checked.error,
        rank=rank,
    )
