"""Two moons: why a counterfactual helps, in a world of two dimensions where the lines can be seen."""

from html import escape
from typing import Any

import numpy as np
import streamlit as st

from cod_core import figures
from cod_core.diagnostics.two_moons import Moons, demonstrate
from ui.frame import errors, layout
from ui.frame.words import t
from ui.shared import charts

layout.through_app()

DRAWS = 20


@st.cache_data(show_spinner="Training the teacher and its students", max_entries=64)
def shown(k: int, noise: float, past: float, seeds: tuple[int, ...]) -> list[Any]:
    """The demonstrations of some draws."""
    return demonstrate(list(seeds), Moons(k=k, noise=noise, past=past))


def wins(kd: list[float], cod: list[float]) -> int:
    """On how many draws the second is lower."""
    return sum(b < a for a, b in zip(kd, cod))


def twenty(k: int, noise: float, past: float) -> None:
    """The distances of twenty draws, and how often the counterfactuals won."""
    found = shown(k, noise, past, tuple(range(DRAWS)))
    facing = [[d.kd.facing for d in found], [d.cod.facing for d in found]]
    whole = [[d.kd.distance.hausdorff for d in found], [d.cod.distance.hausdorff for d in found]]
    st.html(
        f'<p class="cod-quote" id="moon-sentence">Where the moons face each other, the line of the student with '
        f"counterfactuals is nearer to the teacher's in {wins(*facing)} of {DRAWS} draws (mean distance "
        f"{np.mean(facing[1]):.2f} against {np.mean(facing[0]):.2f}). In the whole window it is nearer in "
        f"{wins(*whole)} of {DRAWS} ({np.mean(whole[1]):.2f} against {np.mean(whole[0]):.2f}): beyond the ends of "
        "the moons neither student has seen anything, and its line goes on by chance.</p>"
    )
    left, right = st.columns(2)
    with left:
        st.markdown("**Where the moons face each other**")
        charts.chart(figures.moon_wins(range(DRAWS), facing[0], facing[1], "Largest distance to the teacher's line"), "moons-facing")
    with right:
        st.markdown("**In the whole window**")
        charts.chart(figures.moon_wins(range(DRAWS), whole[0], whole[1], "Largest distance to the teacher's line"), "moons-whole")
    charts.numbers(
        [
            {
                "draw": d.seed,
                "facing_kd": d.kd.facing,
                "facing_cod": d.cod.facing,
                "whole_kd": d.kd.distance.hausdorff,
                "whole_cod": d.cod.distance.hausdorff,
                "hd95_kd": d.kd.distance.hd95,
                "hd95_cod": d.cod.distance.hd95,
                "chamfer_kd": d.kd.distance.chamfer,
                "chamfer_cod": d.cod.distance.chamfer,
                "agreement_kd": d.kd.agreement,
                "agreement_cod": d.cod.agreement,
            }
            for d in found
        ],
        "two-moons",
    )


layout.header(
    "Why counterfactuals help: two moons",
    "A teacher that has seen much draws a line between two classes. Two small students learn it from few points.",
)
with st.container(horizontal=True):
    k = st.segmented_control(t("Points each student learns from"), [8, 20, 40], default=20, required=True, key="moons-k")
    noise = st.segmented_control(t("Noise"), [0.05, 0.1, 0.2], default=0.1, required=True, key="moons-noise")
    past = st.segmented_control(
        t("Counterfactuals beyond the line"),
        [0.05, 0.15, 0.5],
        default=0.15,
        required=True,
        key="moons-past",
        format_func=lambda v: f"{v:.0%}",
    )
    seed = st.number_input(t("Draw"), 0, 999, 0, key="moons-seed", width=120)
with errors.shown():
    one = shown(k, noise, past, (int(seed),))[0]
    teacher, kd, cod = st.columns(3)
    with teacher:
        st.markdown("**Teacher**")
        charts.chart(figures.moon_plot(one.axis_x, one.axis_y, one.teacher_regions, one.teacher_boundary), "moon-teacher")
        st.caption(t("The two colours are its two answers; the grey dots are its line."))
    for column, name, student, words in (
        (kd, "Student of points only", one.kd, f"{k} points"),
        (cod, "Student with counterfactuals", one.cod, f"{k // 2} points and their {k // 2} counterfactuals"),
    ):
        with column:
            st.markdown(f"**{name}**")
            charts.chart(
                figures.moon_plot(
                    one.axis_x,
                    one.axis_y,
                    student.regions,
                    one.teacher_boundary,
                    student.boundary,
                    student.points,
                    student.labels,
                    student.is_cf,
                ),
                f"moon-{name[-6:]}",
            )
            st.caption(
                t(
                    "{words}. Red: its line. Largest distance to the teacher's: {facing:.2f} between the moons, "
                    "{hausdorff:.2f} in the whole window; same answer on {agreement:.0%} of it.",
                    words=words,
                    facing=student.facing,
                    hausdorff=student.distance.hausdorff,
                    agreement=student.agreement,
                )
            )
    why = (
        "A pair on both sides of the line pins it down where it passes between them; two far points leave it free to lie "
        "anywhere in between."
    )
    st.html(f'<p class="cod-cap">{escape(why)}</p>')
    if st.button(t("Try {DRAWS} draws", DRAWS=DRAWS), type="primary", key="moons-many") or st.session_state.get("moons-open") == (
        k,
        noise,
        past,
    ):
        st.session_state["moons-open"] = (k, noise, past)
        twenty(k, noise, past)
    charts.note("moons")
