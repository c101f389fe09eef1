"""The live strip on the Curate page: what the counterfactuals kept so far bring, and which text to look at next.

A fragment of its own, drawn last: a slow number never holds up the card. Numbers are kept until the next decision.
"""

from html import escape
from typing import Any

import streamlit as st

from ui import errors, layout, review, state

MANY, EVERY = 200, 25
"""From so many kept pairs on, the numbers are made anew after every 25th decision only."""


def draw(w: Any, pid: str) -> None:
    """Show the strip of a project; it fills itself in while development texts are still being read."""
    with errors.shown():
        known = st.session_state.get(f"live-{pid}")
        waiting = known is not None and known[1].unread > 0
        st.fragment(_strip, run_every=2.0 if waiting else None)(pid)


def _strip(pid: str) -> None:
    w, key = state.workspace(), f"live-{pid}"
    mark, known = w.marker(pid), st.session_state.get(key)
    held = st.session_state.get(f"{key}-held", 0) + 1
    if known is not None and known[1].n >= MANY and not known[1].unread and known[0] != mark and held < EVERY:
        st.session_state[f"{key}-held"] = held
        known = mark, known[1]  # thousands of pairs: one more moves little, and measuring would hold up the next key
    else:
        st.session_state[f"{key}-held"] = 0
    if known is None or known[0] != mark or known[1].unread:
        with errors.shown():
            was_reading = known is not None and known[1].unread
            known = st.session_state[key] = (mark, w.live(pid))
            if was_reading and not known[1].unread:
                st.rerun()
    if known is None or known[0] != mark:
        return
    live = known[1]
    st.html(f'<div class="cod-strip" role="status" id="live-strip">{words(live)}</div>')
    if live.next is not None and live.next.example_id != state.item_id():
        if st.button("Go to that text", key="strip-next", type="tertiary", icon=":material/near_me:"):
            review.go_to(live.next.example_id)
            st.rerun()


def words(live: Any) -> str:
    """The strip as HTML: accuracy with and without, and what to look at next and why."""
    pairs = layout.several(live.n, "kept pair")
    if live.unread:
        first = f"Reading {live.unread} development texts before anything can be measured…"
    elif live.without is None and not live.n_dev:
        first = "There are no development or unlabelled texts, so what your work brings shows only after distilling."
    elif live.without is None:
        first = f"{pairs}; what they bring shows from four on, of both labels."
    else:
        change = 100 * (live.with_ - live.without)
        sign = "+" if change > 0 else "−" if change < 0 else "±"
        points = layout.several(round(abs(change)), "point")
        first = (f"A quick student of your {pairs}: <b>{live.without:.0%}</b> from the originals alone, "
                 f"<b>{live.with_:.0%}</b> with their counterfactuals (<b>{sign}{points}</b> on "
                 f"{live.n_dev} {escape(live.measured_on)})")
    parts = [f"<span>{first}</span>"]
    if live.next is not None:
        why = " and ".join(filter(None, [", ".join(live.next.reasons[:-1]), live.next.reasons[-1]]))
        parts.append(f"<span>Most promising next: {escape(why)}.</span>")
    return "".join(parts)
