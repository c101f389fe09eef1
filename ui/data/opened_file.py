"""A file that a person brings: uploaded or pasted, what it was taken for, and the pickers by which they say otherwise.

Names of sheets, columns and parts come from outside: widgets hold positions and keys, and texts go through `plain` or st.text.
"""

import hashlib

import streamlit as st

from cod_core.data import tables
from cod_core.data.encodings import OFFERED, letters
from cod_core.data.formats import ENDINGS, FORMATS, SHAPES, TITLES, choices_for
from cod_core.data.packed import gunzip, parts_of
from cod_core.data.raw import Asked
from cod_core.data.reading import Table
from cod_core.errors import BadInput
from cod_core.said import msg
from ui.frame import errors, layout
from ui.frame.words import t

FOUND_OUT = ""


def source(key: str) -> tuple[str, bytes] | None:
    """(name, bytes) of what the person uploaded or pasted; None where nothing is there yet."""
    way = st.segmented_control(
        t("How"),
        ["file", "paste"],
        default="file",
        required=True,
        key=f"{key}-way",
        format_func=layout.words({"file": msg("Upload a file"), "paste": msg("Paste")}),
        label_visibility="collapsed",
    )
    if way == "paste":
        text = st.text_area(t("Paste a table with a header line, or one text a line"), height=160, key=f"{key}-paste", max_chars=2_000_000)
        if not text.strip():
            return None
        first = text.splitlines()[0]
        kind = "tsv" if "\t" in first else "csv" if any(mark in first for mark in ",;") and len(first) < 200 else "txt"
        return f"pasted.{kind}", text.encode()
    file = st.file_uploader(t("{formats}, up to 50 MB", formats=TITLES), type=list(ENDINGS), key=f"{key}-file")
    return (file.name, file.getvalue()) if file else None


def table_of(key: str) -> tuple[Table, str, str] | None:
    """(table, sha256, name) of the upload, with what it was taken for shown; None where there is none or it cannot be read."""
    given = source(key)
    if given is None:
        return None
    name, data = given
    digest = hashlib.sha256(data).hexdigest()
    own = f"{key}-{digest[:8]}"
    asked = Asked(*(str(st.session_state.get(f"{own}-{what}") or "") for what in ("format", "encoding", "sheet")))
    memo = f"{key}-table"
    if st.session_state.get(memo, (None,))[0] != (digest, name, asked):
        table = None
        with errors.shown():
            table = tables.read_table(name, data, asked=asked)
        st.session_state[memo] = ((digest, name, asked), table)
    kept: Table | None = st.session_state[memo][1]
    if kept is None:
        _otherwise(None, name, data, own)
        return None
    st.text(t(kept.taken.said))
    _otherwise(kept, name, data, own)
    return kept, digest, name


def _otherwise(table: Table | None, name: str, data: bytes, own: str) -> None:
    """The pickers. table: as it was read; None where it could not be, and the person has to say what it is."""
    taken = table.taken if table else None
    sheets = taken.sheets if taken else _parts(name, data)
    if len(sheets) > 1:
        named = dict(zip(sheets, layout.distinct(layout.plain(sheet) for sheet in sheets)))
        present = sheets.index(taken.sheet) if taken and taken.sheet in sheets else None
        st.selectbox(t("Sheet or part that was read"), sheets, index=present, key=f"{own}-sheet", format_func=layout.words(named))
    if taken and taken.guessed:
        errors.box(
            t(
                "The file is not UTF-8 and was read as {encoding}. Choose the encoding whose letters look right.",
                encoding=t(OFFERED[taken.encoding]),
            ),
            "warn",
        )
        _encoding(taken.encoding, data, own)
    with st.popover(t("Not right? Read it another way"), type="tertiary"):
        choices = choices_for(taken.format) if taken else {f.key: f.title for f in FORMATS} | SHAPES
        titles = {FOUND_OUT: msg("Find out"), **choices}
        st.selectbox(t("What the file is"), list(titles), key=f"{own}-format", format_func=layout.words(titles))
        if taken is None or (taken.encoding and not taken.guessed):
            _encoding(taken.encoding if taken else "", data, own)


def _parts(name: str, data: bytes) -> tuple[str, ...]:
    """The parts of a zip that could not be read as a whole."""
    if not name.lower().endswith(".zip"):
        return ()
    try:
        return tuple(parts_of(data))
    except BadInput:
        return ()


def _encoding(present: str, data: bytes, own: str) -> None:
    """The picker of encodings, each with a line of the file as its letters come out."""
    try:
        lines = letters(gunzip(data) if data.startswith(b"\x1f\x8b") else data, most=1)
    except BadInput:
        lines = {}
    keys = [*dict.fromkeys([*([present] if present in OFFERED else []), *lines, "utf-8"])]
    named = {key: t(OFFERED[key]) + (f": {layout.plain(lines[key][0], 70)}" if lines.get(key) else "") for key in keys}
    options = [FOUND_OUT, *keys]
    st.selectbox(t("Encoding"), options, key=f"{own}-encoding", format_func=layout.words({FOUND_OUT: t("Find out"), **named}))
    if lines:
        st.text("\n".join(f"{t(OFFERED[key])}: {line[0][:90]}" for key, line in list(lines.items())[:8]))


def preview(table: Table) -> None:
    """The first rows as they were read."""
    layout.grid(
        {layout.plain(c, 40) + " " * i: [row[i] if i < len(row) else "" for row in table.rows[:5]] for i, c in enumerate(table.columns)}
    )
    st.caption(
        t(
            "{rows:,} rows, {columns} columns. These are the first {n}.",
            rows=len(table.rows),
            columns=len(table.columns),
            n=min(5, len(table.rows)),
        )
    )
