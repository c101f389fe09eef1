"""How far people agree, in words and numbers."""

from typing import Any

import streamlit as st

from ui.frame import errors, layout
from ui.shared import verdict

WORDS = {"kept": "kept", "rejected": "rejected", "accepted": "accepted", "edited": "kept with a change"}


def section(w: Any, project: Any) -> None:
    """Percent agreement, kappa and alpha with their intervals, and what was answered."""
    three = st.toggle("Count a change of the text as an answer of its own", key="agree-three")
    found = w.project(project.id).review.agreement(three_way=three)
    if not found.n:
        errors.box(
            "Agreement is measured on texts that two people decided on without seeing each other's decision. Ask for "
            "second opinions first, under Second opinions.",
            "info",
        )
        return
    st.html(f'<p class="cod-lead">{sentence(found)}</p>')
    layout.counts(
        [
            (verdict_of(found.percent, percent=True), "of opinions agree"),
            (verdict_of(found.kappa), "Cohen's kappa"),
            (verdict_of(found.alpha), "Krippendorff's alpha"),
        ]
    )
    for name, estimate in (("Agreement", found.percent), ("Kappa", found.kappa), ("Alpha", found.alpha)):
        if estimate.why:
            st.caption(f"{name}: {estimate.why}")
    st.caption(
        "In brackets: 95 % interval from resampled texts. 1 is full agreement, 0 is what chance alone would give. "
        "Only what was decided blind counts."
    )
    layout.grid([{"one says": WORDS[a], "the other says": WORDS[b], "pairs of opinions": n} for (a, b), n in found.counts.items()])


def verdict_of(estimate: Any, percent: bool = False) -> str:
    """'0.71 (0.52 to 0.86)'; a dash where it cannot be said."""
    if estimate.value is None:
        return "–"
    form = (lambda v: f"{v:.0%}".replace("%", " %")) if percent else (lambda v: f"{v:.2f}")
    if estimate.low is None:
        return form(estimate.value)
    return f"{form(estimate.value)} ({form(estimate.low)} to {form(estimate.high)})"


def sentence(found: Any) -> str:
    """What the numbers mean, without calling a small sample clear."""
    were = "was" if found.n == 1 else "were"
    start = f"{layout.several(found.n, 'text')} {were} decided by two people or more: {verdict.percent(found.percent.value)}"
    if found.n < 30:
        return f"{start} of their opinions agree. With so few texts this is a hint, not a measure."
    return f"{start} of their opinions agree."
