"""How a number is shown: the plain line under it, its "how this is measured" note, its picture and its file."""

import contextlib
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import streamlit as st

from cod_core.diagnostics.notes import NOTES
from cod_core.export.flat import safe_csv
from cod_core.export.sections import Section
from cod_core.said import msg
from ui.frame import layout
from ui.frame.words import t

FORMATS = {"png": "PNG", "svg": "SVG"}
KEPT_BUTTONS = ["zoom2d", "pan2d", "select2d", "lasso2d", "zoomIn2d", "zoomOut2d", "autoScale2d", "resetScale2d"]


def draw(section: Section) -> str | None:
    """A section of the results; returns the id of a text that was just clicked."""
    if section.title:
        st.subheader(section.title, anchor=False)
    if section.lead:
        st.html(f'<p class="cod-quote" id="{section.id}-sentence">{escape(section.lead)}</p>')
    with st.expander(t("Technical details")) if section.technical else contextlib.nullcontext():
        clicked = _pictures(section)
        if section.caption:
            st.caption(section.caption)
        if section.rows or section.lines:
            with st.expander(section.fold, icon=":material/table:") if section.fold else contextlib.nullcontext():
                for line in section.lines:
                    st.text(line)
                if section.rows:
                    layout.grid(section.rows)
    if section.id and section.for_file:
        numbers(section.for_file, section.id)
    if section.notes:
        note(*section.notes)
    return clicked


def _pictures(section: Section) -> str | None:
    """The figures side by side; the id of a text that was just clicked."""
    clicked = None
    columns = st.columns(len(section.figures)) if len(section.figures) > 1 else [st.container()]
    for at, (column, figure) in enumerate(zip(columns, section.figures)):
        with column:
            key = f"{section.id}-{at}" if at else section.id
            clicked = chart(figure, key, clicks=section.clicks, moves=section.moves) or clicked
    return clicked


def csv_of(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows as CSV; a text that a spreadsheet could run gets a leading apostrophe."""
    columns = list(dict.fromkeys(k for row in rows for k in row))
    return safe_csv(columns, [[row.get(k) for k in columns] for row in rows]) if rows else ""


def note(*names: str) -> None:
    """The plain sentence of each measure, and one fold with formulas and sources."""
    lines = "".join(f"<b>{escape(t(NOTES[n].name))}</b> {escape(t(NOTES[n].plain))}<br>" for n in names)
    st.html(f'<div class="cod-cap cod-plain">{lines}</div>')
    with st.expander(t("How this is measured"), icon=":material/straighten:"):
        st.html(
            "".join(
                f"<p><b>{escape(t(NOTES[n].name))}</b>: {escape(t(NOTES[n].formula))}<br>"
                f'<span class="cod-cap">{escape(t("Source: {source}", source=t(NOTES[n].source)))}</span></p>'
                for n in names
            )
        )


def chart(figure: Any, key: str, *, clicks: bool = False, moves: bool = False) -> str | None:
    """One plot whose camera button saves a picture. clicks: returns the id (customdata[0]) of a point just clicked."""
    config = {
        "displaylogo": False,
        "displayModeBar": True,
        "scrollZoom": moves,
        "modeBarButtonsToRemove": [] if moves else KEPT_BUTTONS,
        "toImageButtonOptions": {"format": st.session_state.get("picture-format") or "png", "filename": key, "scale": 2},
    }
    if not clicks:
        st.plotly_chart(figure, key=key, config=config)
        return None
    event: Any = st.plotly_chart(figure, key=key, config=config, on_select="rerun", selection_mode="points")
    points = (event or {}).get("selection", {}).get("points", [])
    data = points[0].get("customdata") if points else None
    chosen = (data[0] if isinstance(data, (list, tuple)) else (data or {}).get("0")) if data else None
    last = f"{key}-last"
    if chosen == st.session_state.get(last):
        return None
    st.session_state[last] = chosen
    return chosen


def numbers(rows: Sequence[Mapping[str, Any]], name: str, label: str = msg("Numbers (.csv)")) -> None:
    """A quiet button that saves the numbers behind a picture."""
    st.download_button(
        t(label), csv_of(rows), f"{name}.csv", "text/csv", key=f"csv-{name}", on_click="ignore", icon=":material/download:", type="tertiary"
    )


def picture_format() -> None:
    """Whether the camera buttons of this page save PNG or SVG."""
    st.segmented_control(
        t("Pictures are saved as"), list(FORMATS), default="png", required=True, key="picture-format", format_func=FORMATS.__getitem__
    )
