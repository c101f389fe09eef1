"""The sections of the Results page, each drawn only when it is chosen. Everything comes from workspace verbs."""

from html import escape
from typing import Any

import streamlit as st

from cod_core import figures
from cod_core.diagnostics.sentence import verdict
from cod_core.diagnostics.stats import MIN_ROWS, ONE_DRAW, Effect
from ui.frame import errors, layout, state
from ui.results import cache
from ui.shared import charts, jobs_panel

SECTIONS = {
    "bought": "What it bought",
    "line": "Where the line is drawn",
    "map": "Map of the texts",
    "answers": "Which answers changed",
    "worth": "Worth of each",
}
SHOWN_TEXTS = 8


def open_item(example_id: str) -> None:
    """Show a text on the Curate page."""
    state.show_item(example_id)
    st.switch_page(layout.PAGES["curate"][0], query_params=state.params() | {"item": example_id})


def bought(w: Any, pid: str, found: Any) -> None:
    """Accuracy and agreement against the number of training rows."""
    left, right = st.columns(2)
    with left, errors.shown():
        st.subheader("Accuracy", anchor=False)
        if any(row.get("mean") is not None for row in found.table):
            charts.chart(figures.accuracy_curve(found.table, found.teacher_accuracy, found.majority), "accuracy")
        else:
            st.caption("There are no labelled test texts, so accuracy cannot be measured.")
    with right, errors.shown():
        st.subheader("Agreement with the teacher", anchor=False)
        charts.chart(figures.agreement_curve(found.table), "agreement")
    if len(found.effects) > 1:
        with st.expander("The difference at every number of training rows"):
            for effect in found.effects:
                st.text(effect["sentence"])
    if found.messages:
        with st.expander("What could not be computed"):
            for message in found.messages[:50]:
                arm, _, why = message.partition(": ")
                st.text(f"{figures.ARM_STYLE[arm][0]}: {why}" if arm in figures.ARM_STYLE else message)
    with st.expander("Every number", icon=":material/table:"):
        layout.grid(found.table)
    charts.numbers(found.table, "results", "Download the numbers (.csv)")
    charts.note("difference", "accuracy", "agreement")


def line(w: Any, pid: str, found: Any) -> None:
    """Where teacher and students draw the line, on pairs that no student saw."""
    seen, job = w.project(pid).diagnostics.latest(), w.project(pid).jobs.newest()
    if seen is None or seen["stale"]:
        if seen is None:
            layout.empty(
                "Not compared yet",
                "How near your counterfactuals lie to the teacher's decision line, and how "
                "far the student's line is from the teacher's: measured on pairs made for this from test "
                "texts, which takes a few minutes once.",
            )
        else:
            errors.box("This was measured on earlier students. Compare the lines again.", "warn")
        if st.button("Compare the lines", key="diagnose", disabled=jobs_panel.running(job)):
            with errors.shown():
                w.project(pid).jobs.start("diagnose", {})
                st.rerun()
    if seen is not None:
        _margins(seen)
        k = _choose_k([int(k) for k in seen["gaps"]], "line")
        if k is not None:
            _gaps(seen["gaps"][str(k)], seen["labels"], k)
            _fidelity(seen["fidelity"].get(str(k)) or {}, seen["information"].get(str(k)), k)


def _margins(seen: dict) -> None:
    st.subheader("How near your counterfactuals are to the teacher's line", anchor=False)
    margins = seen["margins"]
    if not margins["ids"]:
        st.caption("No counterfactual is accepted yet.")
        return
    charts.chart(figures.margin_histogram(margins["originals"], margins["cfes"]), "margins")
    near = margins.get("near")
    if near is not None:
        st.caption(f"{near:.0%} of your counterfactuals are near the line (the teacher is 30 to 70 % sure of the new label).")
    charts.numbers(
        [{"id": i, "original": a, "counterfactual": b} for i, a, b in zip(margins["ids"], margins["originals"], margins["cfes"])], "margins"
    )
    charts.note("margins")


def _choose_k(ks: list[int], key: str) -> int | None:
    if not ks:
        st.caption("No number of rows has both kinds of student.")
        return None
    if len(ks) == 1:
        return ks[0]
    return st.segmented_control("Training rows", ks, default=ks[-1], required=True, key=f"k-{key}")


def gap_sentence(gap: dict, k: int) -> str:
    """The paired difference of the gaps in words."""
    e, kd, cod = gap["effect"], gap["arms"]["kd"]["mean"], gap["arms"]["cod"]["mean"]
    more = "" if e["low"] is None else f", 95 % interval of the difference {e['low']:+.2f} to {e['high']:+.2f}".replace("-", "−")
    said = f"counterfactuals {'brought the lines together' if e['mean'] < 0 else 'drove the lines apart'}"
    if not e["clear"]:
        said = verdict(Effect(**e), MIN_ROWS)
    draws = ONE_DRAW if e["caveat"] == ONE_DRAW else layout.several(gap["draws"], "draw")
    return (
        f"At {k} training rows the gap between the lines is {cod:.2f} with counterfactuals and {kd:.2f} without, in "
        f"units of the median pair{more}, {layout.several(gap['n'], 'pair')}, {draws}: {said}. Students with "
        f"counterfactuals give the teacher's answer at both ends of {1 - gap['arms']['cod']['censored']:.0%} of the "
        f"pairs, the others of {1 - gap['arms']['kd']['censored']:.0%}."
    )


def _gaps(gap: dict, labels: list[str], k: int) -> None:
    st.subheader("How far the student's line is from the teacher's", anchor=False)
    if not gap["n"]:
        st.caption("The teacher flips none of the held-out pairs.")
        return
    st.html(f'<p class="cod-quote" id="gap-sentence">{escape(gap_sentence(gap, k))}</p>')
    left, right = st.columns(2)
    arms = gap["arms"]
    with left:
        charts.chart(figures.crossing_gap_plot({a: arms[a]["gap"] for a in arms}, {a: arms[a]["censored"] for a in arms}), "gaps")
    with right:
        charts.chart(figures.paired_gap_plot(gap["pairs"], arms["kd"]["gap"], arms["cod"]["gap"]), "paired-gaps")
    rows = [
        {"measure": name, "without": arms["kd"][key], "with counterfactuals": arms["cod"][key]}
        for key, name in (
            ("mean", "gap, mean"),
            ("left_to_right", "gap, left to right only"),
            ("uncensored_mean", "gap, both ends right"),
            ("censored", "share that misses an end"),
            ("hausdorff", "distance of the lines, largest (sampled)"),
            ("hd95", "distance of the lines, 95th percentile"),
            ("chamfer", "distance of the lines, typical"),
        )
    ]
    if len(labels) > 2:
        rows += [
            {"measure": f"gap, {labels[c['from']]} → {labels[c['to']]} ({c['n']})", "without": c["kd"], "with counterfactuals": c["cod"]}
            for c in gap["by_class"]
        ]
    if view := gap.get("surrogate"):
        rows += [
            {
                "measure": f"straight-line view (agrees with the teacher on {view['agreement']:.0%}): {name}",
                "without": view["kd"][key],
                "with counterfactuals": view["cod"][key],
            }
            for key, name in (("angle", "angle, degrees"), ("lower", "distance is at least"))
        ]
    with st.expander("More distances", icon=":material/table:"):
        layout.grid(rows)
    charts.numbers(
        [
            {"text": a, "counterfactual": b, "gap_without": x, "gap_with": y}
            for (a, b), x, y in zip(gap["pairs"], arms["kd"]["gap"], arms["cod"]["gap"])
        ],
        "gaps",
    )
    charts.note("gap", "ends", "hausdorff", *(["surrogate"] if gap.get("surrogate") else []))


MEASURES = ("agreement", "kl", "js", "ece_teacher", "macro_f1", "mcc", "brier", "nll", "ece")


def _fidelity(fidelity: dict, information: dict | None, k: int) -> None:
    from cod_core.diagnostics.notes import NOTES

    if fidelity.get("kd"):
        st.subheader("How closely the student follows", anchor=False)
        kd, cod = fidelity["kd"], fidelity["cod"]
        rows = [{"measure": NOTES[m].name, "without": kd[m], "with counterfactuals": cod[m]} for m in MEASURES if m in kd]
        layout.grid(rows)
        charts.numbers(rows, f"fidelity-{k}")
        charts.note(*(m for m in MEASURES if m in kd))
    if information:
        st.subheader("What the training rows can tell", anchor=False)
        names = {
            "log_det": "log det (more is better)",
            "trace_inverse": "trace of the inverse (less is better)",
            "least": "least eigenvalue (more is better)",
        }
        rows = [
            {
                "measure": name,
                f"{k} texts": information["real"][key],
                f"{k // 2} texts and their counterfactuals": information["pairs"][key],
            }
            for key, name in names.items()
        ]
        layout.grid(rows)
        charts.numbers(rows, f"information-{k}")
        charts.note("information")


def text_map(w: Any, pid: str, found: Any) -> None:
    """The map of the texts; a click on a text with a proposal opens it in Curate."""
    labels = list(w.project(pid).row.task.labels)
    label = None
    if len(labels) > 2:
        label = st.segmented_control("Line of", labels, default=labels[-1], required=True, key="map-label", format_func=layout.plain)
    seen = cache.text_map(w.project(pid), label)
    chosen = charts.chart(cache.text_map_figure(w.project(pid), label), "text-map", clicks=True, moves=True)
    st.caption(
        f"{seen.shown:,} of {seen.total:,} texts are drawn. Click on a text that has a counterfactual to open it "
        "in Curate; drag to move, scroll to come closer."
    )
    if chosen:
        if any(p["id"] == chosen for p in seen.pairs):
            open_item(chosen)
        dot = next((d for d in seen.dots if d["id"] == chosen), None)
        if dot:
            with st.container(border=True):
                st.text(dot["text"])
                st.caption(f"A {dot['split']} text; it has no counterfactual.")
    charts.numbers([{**{k: d[k] for k in ("id", "x", "y", "split")}} for d in seen.dots], "map")
    charts.note("map")


def answers(w: Any, pid: str, found: Any) -> None:
    """Confusion by class pair, and the texts won and lost."""
    k = _choose_k([e["k"] for e in found.effects], "answers")
    if k is None:
        return
    seen = cache.confusion(w.project(pid), k)
    if not seen["texts"]:
        st.caption("There are no test or unlabelled texts to look at.")
        return
    st.subheader("Which labels are mixed up", anchor=False)
    if seen["truth"] == "teacher":
        st.caption("There are no labelled test texts; here the teacher's answer counts as true.")
    charts.chart(figures.confusion_plot(seen["labels"], seen["confusion"]), "confusion")
    charts.numbers(
        [
            {"arm": a, "truly": seen["labels"][i], "says": seen["labels"][j], "share": v}
            for a, rows in seen["confusion"].items()
            for i, row in enumerate(rows)
            for j, v in enumerate(row)
        ],
        "confusion",
    )
    charts.note("confusion")
    left, right = st.columns(2)
    for column, title, rows in (
        (left, "Won by your counterfactuals", seen["texts"][:SHOWN_TEXTS]),
        (right, "Lost", seen["texts"][::-1][:SHOWN_TEXTS]),
    ):
        with column:
            st.subheader(title, anchor=False)
            st.html(
                "".join(_example(r) for r in rows if (r["cod"] > r["kd"]) == (column is left) and r["cod"] != r["kd"])
                or '<p class="cod-cap">None.</p>'
            )
    charts.numbers(seen["texts"], "won-and-lost")
    charts.note("won")


def _example(row: dict) -> str:
    return (
        f'<div class="cod-card cod-won"><header><h4>{escape(row["label"])}</h4><span class="cod-cap">right in '
        f"{row['kd']:.0%} → {row['cod']:.0%} of the draws</span></header>"
        f"<div>{escape(row['text'][:400])}</div></div>"
    )


def worth(w: Any, pid: str, found: Any) -> None:
    """What each kept counterfactual was worth; a click opens it in Curate."""
    seen = cache.worth(w.project(pid))
    if seen is None:
        st.caption("This needs two or more accepted counterfactuals and development or unlabelled texts to measure on.")
        return
    helped = sum(v["nll"] > 0 for v in seen.values)
    st.html(
        f'<p class="cod-quote">{helped} of your {len(seen.values)} counterfactuals helped the student that learns from '
        f"all of them, measured on {seen.n_dev:,} {escape(seen.measured_on)}.</p>"
    )
    chosen = charts.chart(figures.worth_plot(seen.values), "worth", clicks=True)
    st.caption("Click on a bar to open the text in Curate. A small harm is no reason to reject: it may be chance.")
    if chosen:
        open_item(chosen)
    if seen.checked:
        rank = seen.checked["spearman"]
        said = "" if rank is None else f"the same order to a rank correlation of {rank:.3f}, "
        st.caption(
            f"Checked by training {seen.checked['n']} students anew without one counterfactual each: {said}largest "
            f"error {seen.checked['error']:.1%} of the largest effect."
        )
    charts.numbers(seen.values, "worth")
    charts.note("worth")


DRAW = {"bought": bought, "line": line, "map": text_map, "answers": answers, "worth": worth}
