"""How far people agree, in words and numbers."""

import streamlit as st

from cod_core.curation.agreement import Agreement, Estimate
from cod_core.project.project import Project
from ui.frame import errors, layout
from ui.frame.words import t
from ui.shared import verdict

WORDS = {"kept": "kept", "rejected": "rejected", "accepted": "accepted", "edited": "kept with a change"}


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
    st.html(f'<p class="cod-lead">{sentence(measured)}</p>')
    layout.counts(
        [
            (verdict_of(measured.percent, percent=True), "of opinions agree"),
            (verdict_of(measured.kappa), "Cohen's kappa"),
            (verdict_of(measured.alpha), "Krippendorff's alpha"),
        ]
    )
    for name, estimate in (("Agreement", measured.percent), ("Kappa", measured.kappa), ("Alpha", measured.alpha)):
        if estimate.why:
            st.caption(f"{name}: {estimate.why}")
    st.caption(
        t(
            "In brackets: 95 % interval from resampled texts. 1 is full agreement, 0 is what chance alone would give. "
            "Only what was decided blind counts."
        )
    )
    layout.grid([{"one says": WORDS[a], "the other says": WORDS[b], "pairs of opinions": n} for (a, b), n in measured.counts.items()])


def verdict_of(estimate: Estimate, percent: bool = False) -> str:
    """'0.71 (0.52 to 0.86)'; a dash where it cannot be said."""
    if estimate.value is None:
        return "–"

    def form(value: float) -> str:
        return f"{value:.0%}".replace("%", " %") if percent else f"{value:.2f}"

    if estimate.low is None or estimate.high is None:
        return form(estimate.value)
    return f"{form(estimate.value)} ({form(estimate.low)} to {form(estimate.high)})"


def sentence(measured: Agreement) -> str:
    """What the numbers mean, without calling a small sample clear."""
    were = "was" if measured.n == 1 else "were"
    start = f"{layout.several(measured.n, 'text')} {were} decided by two people or more: {verdict.percent(measured.percent.value or 0.0)}"
    if measured.n < 30:
        return f"{start} of their opinions agree. With so few texts this is a hint, not a measure."
    return f"{start} of their opinions agree."
