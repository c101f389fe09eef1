"""Two moons: why a counterfactual helps, in a world of two dimensions where the lines can be seen."""

from html import escape
from typing import Any

import numpy as np
import streamlit as st

from cod_core import figures
from cod_core.diagnostics.two_moons import Moons, demonstrate
from cod_core.said import say
from ui.frame import errors, layout
from ui.frame.words import t
from ui.shared import charts, spoken

layout.through_app()

DRAWS = 20


@st.cache_data(show_spinner=False, max_entries=64)
def _shown(k: int, noise: float, past: float, seeds: tuple[int, ...]) -> list[Any]:
    """The demonstrations of some draws."""
    return demonstrate(list(seeds), Moons(k=k, noise=noise, past=past))


def shown(k: int, noise: float, past: float, seeds: tuple[int, ...]) -> list[Any]:
    """The same, with words while it takes time."""
    with st.spinner(t("Training the teacher and its students")):
        found: list[Any] = _shown(k, noise, past, seeds)
    return found


def wins(kd: list[float], cod: list[float]) -> int:
    """On how many draws the second is lower."""
    return sum(b < a for a, b in zip(kd, cod))


def twenty(k: int, noise: float, past: float) -> None:
    """The distances of twenty draws, and how often the counterfactuals won."""
    found = shown(k, noise, past, tuple(range(DRAWS)))
    facing = [[d.kd.facing for d in found], [d.cod.facing for d in found]]
    whole = [[d.kd.distance.hausdorff for d in found], [d.cod.distance.hausdorff for d in found]]
    said = t(
        "Where the moons face each other, the line of the student with counterfactuals is nearer to the teacher's in {facing} of "
        "{draws} draws (mean distance {facing_with:.2f} against {facing_without:.2f}). In the whole window it is nearer in {whole} of "
        "{draws} ({whole_with:.2f} against {whole_without:.2f}): beyond the ends of the moons neither student has seen anything, and "
        "its line goes on by chance.",
        draws=DRAWS,
        facing=wins(*facing),
        facing_with=float(np.mean(facing[1])),
        facing_without=float(np.mean(facing[0])),
        whole=wins(*whole),
        whole_with=float(np.mean(whole[1])),
        whole_without=float(np.mean(whole[0])),
    )
    st.html(f'<p class="cod-quote" id="moon-sentence">{escape(said)}</p>')
    distance = t("Largest distance to the teacher's line")
    left, right = st.columns(2)
    with left:
        st.markdown(f"**{t('Where the moons face each other')}**")
        charts.chart(spoken.figure(figures.moon_wins(range(DRAWS), facing[0], facing[1], distance)), "moons-facing")
    with right:
        st.markdown(f"**{t('In the whole window')}**")
        charts.chart(spoken.figure(figures.moon_wins(range(DRAWS), whole[0], whole[1], distance)), "moons-whole")
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
        st.markdown(f"**{t('Teacher')}**")
        charts.chart(spoken.figure(figures.moon_plot(one.axis_x, one.axis_y, one.teacher_regions, one.teacher_boundary)), "moon-teacher")
        st.caption(t("The two colours are its two answers; the grey dots are its line."))
    pairs = say("{pairs} points and their {pairs} counterfactuals", pairs=k // 2)
    for column, name, title, student, words in (
        (kd, "s only", t("Student of points only"), one.kd, say("{points} points", points=k)),
        (cod, "actuals", t("Student with counterfactuals"), one.cod, pairs),
    ):
        with column:
            st.markdown(f"**{title}**")
            plot = figures.moon_plot(
                one.axis_x,
                one.axis_y,
                student.regions,
                one.teacher_boundary,
                student.boundary,
                student.points,
                student.labels,
                student.is_cf,
            )
            charts.chart(spoken.figure(plot), f"moon-{name}")
            st.caption(
                t(
                    "{rows}. Red: its line. Largest distance to the teacher's: {facing:.2f} between the moons, "
                    "{hausdorff:.2f} in the whole window; same answer on {agreement:.0%} of it.",
                    rows=words,
                    facing=student.facing,
                    hausdorff=student.distance.hausdorff,
                    agreement=student.agreement,
                )
            )
    why = t(
        "A pair on both sides of the line pins it down where it passes between them; two far points leave it free to lie "
        "anywhere in between."
    )
    st.html(f'<p class="cod-cap">{escape(why)}</p>')
    if st.button(t("Try {draws} draws", draws=DRAWS), type="primary", key="moons-many") or st.session_state.get("moons-open") == (
        k,
        noise,
        past,
    ):
        st.session_state["moons-open"] = (k, noise, past)
        twenty(k, noise, past)
    charts.note("moons")
