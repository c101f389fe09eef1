"""Which part of a long table is shown, and the buttons that turn its pages."""

from collections.abc import Callable
from html import escape

import streamlit as st

from ui.frame.words import t


def draw(rows: str, shown: int, total: int, page: int, size: int, key: str, turn: Callable[[int], None]) -> None:
    """'Rows 26 to 50 of 1,200', Previous page, Next page. rows: what they are, with a capital, said already. shown: rows on this page.

    page: from 0. size: rows of a full page. key: before the buttons' own. turn: what a press does, with the page to show.
    """
    first = page * size + 1
    said = t("{rows} {first} to {last} of {total:,}", rows=rows, first=first, last=first + shown - 1, total=total)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.html(f'<div class="cod-why" role="status">{escape(said)}</div>')
        st.button(t("Previous page"), key=f"{key}-back", disabled=page == 0, on_click=turn, args=(page - 1,))
        st.button(t("Next page"), key=f"{key}-on", disabled=first + shown > total, on_click=turn, args=(page + 1,))
