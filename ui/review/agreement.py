"""How far people agree, in words and numbers."""

from html import escape

import streamlit as st

from cod_core.curation.agreement import Agreement, Estimate
from cod_core.project.project import Project
from cod_core.said import Said, msg
from ui.frame import errors, layout
from ui.frame.words import t
from ui.shared import verdict

WORDS = {"kept": msg("kept"), "rejected": msg("rejected"), "accepted": msg("accepted"), "edited": msg("kept with a change")}


def section(project: Project) -> None:
    """Percent agreement, kappa and alpha with their intervals, and what was answered."""
    three = st.toggle(t("Count a change of the text as an answer of its own"), key="agree-three")
    measured = project.review.agreement(three_way=three)
    if not measured.n:
        errors.box(
            "Agreement is measured on texts that two people decided on without seeing each other's decision. Ask for "
            "second opinions first, under Second opinions.",
            "info",
        )
        return
    st.html(f'<p class="cod-lead">{escape(sentence(measured))}</p>')
    layout.counts(
        [
            (verdict_of(measured.percent, percent=True), t("of opinions agree")),
            (verdict_of(measured.kappa), t("Cohen's kappa")),
            (verdict_of(measured.alpha), t("Krippendorff's alpha")),
        ]
    )
    for name, estimate in ((t("Agreement"), measured.percent), (t("Kappa"), measured.kappa), (t("Alpha"), measured.alpha)):
        if estimate.why:
            st.caption(f"{name}: {t(estimate.why)}")
    st.caption(
        t(
            "In brackets: 95 % interval from resampled texts. 1 is full agreement, 0 is what chance alone would give. "
            "Only what was decided blind counts."
        )
    )
    layout.grid(
        [{t("one says"): t(WORDS[a]), t("the other says"): t(WORDS[b]), t("pairs of opinions"): n} for (a, b), n in measured.counts.items()]
    )


def verdict_of(estimate: Estimate, percent: bool = False) -> str:
    """'0.71 (0.52 to 0.86)'; a dash where it cannot be said."""
    if estimate.value is None:
        return "–"

    def form(value: float) -> str:
        return f"{value:.0%}".replace("%", " %") if percent else f"{value:.2f}"

    if estimate.low is None or estimate.high is None:
        return form(estimate.value)
    return t("{value} ({low} to {high})", value=form(estimate.value), low=form(estimate.low), high=form(estimate.high))


def sentence(measured: Agreement) -> str:
    """What the numbers mean, without calling a small sample clear."""
    said = Said(
        "{n:,} text was decided by two people or more: {share} of their opinions agree.",
        {"n": measured.n, "share": verdict.percent(measured.percent.value or 0.0)},
        "{n:,} texts were decided by two people or more: {share} of their opinions agree.",
    )
    return f"{t(said)} {t('With so few texts this is a hint, not a measure.')}" if measured.n < 30 else t(said)
