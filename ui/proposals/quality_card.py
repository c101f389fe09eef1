"""The quality card: how good the proposals are, where they are lost, limits to change, sources side by side."""

from dataclasses import asdict
from html import escape

import streamlit as st

from cod_core.counterfactuals.options import TightenRequest
from cod_core.counterfactuals.quality import Stage
from cod_core.project.project import Project
from cod_core.project.proposals.quality import QualityCard
from cod_core.said import Said, msg
from ui.frame import errors, layout
from ui.frame.words import t
from ui.proposals import language_model
from ui.shared import jobs_panel

LIMITS = {
    "edit_fraction_warn": (msg("Warn when more than this share of the words is changed"), 0.05),
    "edit_fraction_reject": (msg("Hold back when more than this share is changed"), 0.05),
    "fluency_warn": (msg("Warn when it reads worse than the original by this factor"), 0.1),
    "similarity_warn": (msg("Warn when the meaning agrees less than this (0 to 1)"), 0.05),
}


def card(project: Project, busy: bool) -> None:
    """The whole card, closed until it is asked for; opening it loads no model."""
    if not st.toggle(t("How good are the proposals?"), key="quality"):
        return
    measured = None
    with errors.shown():
        measured = project.quality.card()
    if measured is None:
        return
    total = measured.total
    layout.counts(
        [
            (t("{n:,} of {tried:,}", n=measured.flipped, tried=measured.tried), t("texts have a proposal that flips")),
            (percent(total.edit_fraction), t("of the words change, typically")),
            (percent(total.p), t("sure of the new label, typically")),
            (percent(total.in_band), t("of those that flip are close calls")),
        ]
    )
    st.html(funnel(measured.stages))
    warned(measured)
    if st.toggle(t("Technical view"), key="quality-technical"):
        technical(measured)
    actions(project, measured, busy)
    language_model.fluency(project, measured, busy)


def percent(value: float | None) -> str:
    """A share in words; a dash where it was not measured."""
    return "–" if value is None else f"{value:.0%}"


def funnel(stages: list[Stage]) -> str:
    """The stages as a table: how many texts, and why some did not get to the next. Every word is escaped."""
    rows = "".join(
        f"<tr><td>{escape(t(s.name))}</td><td>{s.n}</td><td>{escape('; '.join(f'{n} × {t(why)}' for why, n in s.lost.items()))}</td></tr>"
        for s in stages
    )
    heads = "".join(f"<th>{escape(h)}</th>" for h in (t("Texts"), t("How many"), t("Lost before the next step, and why")))
    return f'<table class="cod-table"><caption class="cod-sr">{escape(t("Where texts are lost"))}</caption><tr>{heads}</tr>{rows}</table>'


def warned(measured: QualityCard) -> None:
    """One line on what the limits say."""
    grades = [grade for grade, _ in measured.verdicts.values()]
    if held := grades.count("reject"):
        errors.box(t("{proposals} would be held back by your limits.", proposals=layout.several(held, "proposal")), "warn")
    if warn := grades.count("warn"):
        st.caption(t(Said("{n:,} proposal deserves a second look.", {"n": warn}, "{n:,} proposals deserve a second look.")))


def technical(measured: QualityCard) -> None:
    """Every measure of the set, and the sources side by side on the same texts."""
    total = asdict(measured.total)
    total.pop("flip_rate")
    kinds = ", ".join(f"{kind} {share:.0%}" for kind, share in total.pop("edit_types").items())
    layout.grid(
        {
            t("measure"): [*(k.replace("_", " ") for k in total), "edit types"],
            t("value"): [*(shown(v) for v in total.values()), kinds or "–"],
        }
    )
    st.caption(
        t(
            "Medians over proposals that flip. Fluency: ratio to the original, measured by {fluency_judge}.",
            fluency_judge=measured.fluency_judge,
        )
    )
    if len(measured.sources) > 1:
        st.caption(t("Sources side by side, on the {texts} texts that all of them have.", texts=measured.sources[0].texts))
        rows = [row.as_row() for row in measured.sources]
        keys = ("source", "texts", "flipped", "edit_fraction", "spans", "p", "in_band", "similarity", "fluency", "diversity")
        layout.grid({k.replace("_", " "): [shown(row[k]) for row in rows] for k in keys})
        from cod_core.counterfactuals.comparing import comparison_plot

        st.plotly_chart(comparison_plot(measured.points), key="quality-plot")


def shown(value: object) -> str:
    """A number with two decimals where it is a fraction; a dash where it is missing."""
    return "–" if value is None else f"{value:.2f}" if isinstance(value, float) else str(value)


def actions(project: Project, measured: QualityCard, busy: bool) -> None:
    """Limits, and making proposals smaller."""
    left, right = st.columns(2)
    with left, st.popover(t("Change the limits")), st.form("quality-limits", border=False):
        values = {
            name: st.number_input(t(text), 0.0, 5.0, value=getattr(measured.limits, name), step=step, key=f"limit-{name}")
            for name, (text, step) in LIMITS.items()
        }
        if st.form_submit_button(t("Save limits")):
            with errors.shown():
                project.quality.set_limits(values)
                st.rerun()
    with right:
        if st.button(
            t("Make proposals smaller"),
            key="tighten",
            disabled=busy,
            help=t("Takes back every edit that the flip does not need. The smaller version appears beside the old one."),
        ):
            with errors.shown():
                jobs_panel.start(project, "tighten", TightenRequest())
                st.rerun()
