"""The live strip on the Curate page: what the counterfactuals kept so far bring, and which text to look at next.

Drawn last, from numbers made in the background: neither the card nor the next key ever waits for it.
"""

import time
from collections.abc import Sequence
from html import escape

import streamlit as st

from cod_core.diagnostics.sentence import percent
from cod_core.diagnostics.stats import MIN_ROWS
from cod_core.project.project import Project
from cod_core.project.results.live import Live
from cod_core.said import say, several, together
from ui.curate import callbacks
from ui.frame import errors, state
from ui.frame.words import number, t
from ui.shared import early_warning

PATIENCE, LOOK_AGAIN = 0.5, 1.0
"""Seconds that the page stays for the numbers of the newest decision; seconds between looks where they take longer."""


def draw(project: Project) -> None:
    """Show the strip of a project; it fills itself in where the numbers take longer."""
    with errors.shown():
        numbers = _soon(project)
        st.fragment(_strip, run_every=None if numbers[1] else LOOK_AGAIN)(project.id, numbers)
        early_warning.on_curate(project, numbers[0])


def _soon(project: Project) -> tuple[Live | None, bool]:
    """The numbers within a moment. Each look at the session lets a key that was pressed meanwhile go first."""
    end, mark = time.monotonic() + PATIENCE, project.live.marker()
    while True:
        live, last = project.live.now(mark)
        if last or time.monotonic() > end:
            return live, last
        state.item_id()
        time.sleep(0.03)


def _strip(pid: str, drawn: tuple[Live | None, bool]) -> None:
    live, last = drawn
    if not last:
        with errors.shown():
            live, last = state.workspace().project(pid).live.now()
            if last:
                st.rerun()
    if live is None and last:
        return
    said = (words(live) if live else "") + ("" if last else f"<span>{escape(t('Counting your last decisions…'))}</span>")
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="strip"):
        st.html(f'<div class="cod-strip" role="status" id="live-strip">{said}</div>')
        if live is not None and live.next is not None and live.next.example_id != state.item_id():
            if st.button(t("A text of another kind"), key="strip-next", type="tertiary", icon=":material/near_me:"):
                callbacks.go_to(live.next.example_id)
                st.rerun()


def words(live: Live) -> str:
    """The strip as HTML: accuracy with and without, and what to look at next and why."""
    parts = [f"<span>{_brought(live)}</span>"]
    if live.next is not None:
        why = t(listed(live.next.reasons))
        parts.append(f"<span>{escape(t('For variety, next: {why}.', why=why))}</span>")
    return "".join(parts)


def listed(reasons: Sequence[str]) -> str:
    """'a, b and c'"""
    return reasons[0] if len(reasons) == 1 else say("{first} and {last}", first=together(reasons[:-1], ", "), last=reasons[-1])


def _brought(live: Live) -> str:
    """What the kept pairs bring, as HTML."""
    if live.unread:
        return escape(t("Reading {n} development texts before anything can be measured…", n=live.unread))
    if not live.n_dev and live.without is None:
        return escape(t("There are no development or unlabelled texts: you see what your work brings once you distil."))
    if live.without is None or live.with_ is None:
        pairs = several(live.n, "kept pair")
        return escape(t("{pairs}. Keep four, with two new labels among them, and you see here what they add.", pairs=pairs))
    with_, without = percent(live.with_), percent(live.without)
    mine = several(live.n, "counterfactual")
    if with_ == without:
        said = t("With your {counterfactuals}, a student gets <b>{share}</b> right, as without", counterfactuals=mine, share=with_)
    else:
        said = t(
            "With your {counterfactuals}, a student gets <b>{share}</b> right instead of <b>{before}</b>",
            counterfactuals=mine,
            share=with_,
            before=without,
        )
    on = f"{number(live.n_dev)} {escape(t(live.measured_on) if live.measured_on else '')}"
    few = t(": so few can only hint") if live.n_dev < MIN_ROWS else ""
    return f"{said} ({on}{few})."
