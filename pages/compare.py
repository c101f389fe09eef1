"""Compare runs: two groups of students side by side, the difference first, then what was done differently."""

from html import escape
from typing import Any

import streamlit as st

from cod_core import figures
from cod_core.distill.settings import SweepPlan
from cod_core.project.results.comparison import Side
from cod_core.said import Said, msg, say
from ui.frame import errors, layout
from ui.frame.words import t
from ui.shared import charts, jobs_panel, spoken, whats_next

layout.through_app()

project = layout.need_project()
NAMES = {
    "accuracy": msg("accuracy on test texts"),
    "agreement": msg("agreement with the teacher on test texts"),
    "agreement_unlabelled": msg("agreement with the teacher on unlabelled texts"),
}
TRAITS = {"source": msg("Source"), "prompt": msg("Prompt"), "annotator": msg("Person")}
SETTINGS = {
    "computed": msg("computed"),
    "arm": msg("arm"),
    "training rows": msg("training rows"),
    "draws": msg("draws"),
    "student": msg("student"),
    "method": msg("method"),
    "encoder": msg("encoder"),
    "counterfactuals: chosen": msg("counterfactuals: chosen"),
    "counterfactuals: source": msg("counterfactuals: source"),
    "counterfactuals: prompt": msg("counterfactuals: prompt"),
    "counterfactuals: annotator": msg("counterfactuals: annotator"),
}  # the settings of a side that have a plain name; the others are called as in the record


def title(side: Side) -> str:
    """A side as an option: when, which arm, how many rows, from what."""
    a = side.about
    arm = say(figures.ARM_STYLE[a["arm"]][0]) if a["arm"] in figures.ARM_STYLE else a["arm"]
    words = {
        "arm": arm,
        "rows": a["training rows"],
        "chosen": f" · {a['counterfactuals: chosen']}" if "counterfactuals: chosen" in a else "",
        "student": a["student"],
        "day": a["computed"][:10],
        "clock": a["computed"][11:16],
    }
    return layout.plain(t("{arm} · {rows} rows{chosen} · {student} · {day} {clock} UTC", **words), 110)


def sentence(measure: dict[str, Any]) -> Said:
    """The difference of one measure in words."""
    said: dict[str, object] = {
        "name": say(NAMES[measure["name"]]),
        "second": measure["second"],
        "first": measure["first"],
        "texts": measure["n_rows"],
        "end": say("a clear difference") if measure["clear"] else say(measure["caveat"] or "the difference may be chance"),
    }
    if measure["low"] is None:
        return say("The second has {second:.1%} {name}, the first {first:.1%}, {texts:,} texts: {end}.", **said)
    return say(
        "The second has {second:.1%} {name}, the first {first:.1%}; difference {mean} points, 95 % interval {low} to {high}, "
        "{texts:,} texts: {end}.",
        **said,
        **{key: _signed(measure[key]) for key in ("mean", "low", "high")},
    )


def _signed(share: float) -> Said:
    """'+1.5', '−0.3': percentage points."""
    return say("{sign}{points:.1f}", sign="+" if f"{100 * share:+.1f}"[0] == "+" else "−", points=abs(100 * share))


def differences(first: Side, second: Side, differs: list[str]) -> None:
    """The settings that differ, marked; those that do not, folded away."""

    def table(names: list[str], mark: str) -> str:
        rows = "".join(
            f'<tr class="{mark}"><td>{escape(t(SETTINGS.get(n, n)))}</td><td>{escape(first.about.get(n, "–"))}</td>'
            f"<td>{escape(second.about.get(n, '–'))}</td></tr>"
            for n in names
        )
        heads = "".join(f"<th>{escape(head)}</th>" for head in (t("Setting"), t("First"), t("Second")))
        return f'<table class="cod-table"><thead><tr>{heads}</tr></thead>{rows}</table>'

    if differs:
        st.html(table(differs, "cod-differs"))
    else:
        st.caption(t("Nothing: the two are the same."))
    with st.expander(t("What is the same on both sides")):
        st.html(table([n for n in first.about if n not in differs and first.about[n]], ""))


def train_with_some() -> None:
    """A sweep with the counterfactuals of one source, prompt or person only: the way to a side to compare."""
    found = {name: values for name, values in project.pairs.sources().items() if len(values) > 1}
    with st.expander(t("Compare sources, prompts or people"), icon=":material/filter_alt:"):
        if not found:
            st.caption(
                t(
                    "All your kept counterfactuals have one source, one prompt and one annotator. Once there are "
                    "several, students can be distilled from one of them alone and compared here."
                )
            )
            return
        name = st.segmented_control(
            t("Tell apart by"),
            list(found),
            default=next(iter(found)),
            required=True,
            format_func=lambda trait: t(TRAITS[trait]),
            key="compare-trait",
        )
        value = st.selectbox(
            t("Keep only"),
            list(found[name]),
            key=f"compare-value-{name}",
            format_func=lambda v: layout.plain(t("{value} ({pairs} pairs)", value=v, pairs=found[name][v])),
        )
        if st.button(t("Distil from these only"), key="compare-distil", disabled=jobs_panel.running(project.jobs.newest())):
            with errors.shown():
                project.jobs.start("distill", SweepPlan(seeds=20, only={name: value}))
                st.rerun()


layout.header("Compare runs", "Two groups of students side by side: the difference, and what was done differently.")
jobs_panel.panel(project, ("distill",))
sides = project.comparison.sides()
if len(sides) < 2:
    layout.empty("There is nothing to compare yet", "Every comparison of students that you make is kept here.")
    whats_next.draw(project, project.next.steps(), "compare", most=1)
else:
    by_id = {side.id: side for side in sides}
    newest = [s for s in sides if s.about["computed"] == sides[0].about["computed"] and s.about["k"] == sides[0].about["k"]]
    at = {s.about["arm"]: list(by_id).index(s.id) for s in newest}
    names = dict(zip(by_id, layout.distinct(map(title, by_id.values()))))
    first = st.selectbox(t("First"), list(by_id), index=at.get("kd", 0), format_func=names.__getitem__, key="compare-a")
    second = st.selectbox(t("Second"), list(by_id), index=at.get("cod", 1), format_func=names.__getitem__, key="compare-b")
    with errors.shown():
        found = project.comparison.compare(first, second)
        for measure in found.measures:
            st.html(f'<p class="cod-quote">{escape(t(sentence(measure)))}</p>')
        if found.measures:
            rows = [{"name": t(NAMES[m["name"]]), "mean": m["mean"], "low": m["low"], "high": m["high"]} for m in found.measures]
            charts.chart(spoken.figure(figures.effect_plot(rows, t("Second less first, in percentage points"))), "compare")
            charts.numbers([{**m} for m in found.measures], "compare")
            charts.note("difference")
        st.subheader(t("What was done differently"), anchor=False)
        differences(by_id[first], by_id[second], found.differs)
    train_with_some()
