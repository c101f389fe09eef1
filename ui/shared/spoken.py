"""Figures, tables and sections of the library in the language of this screen. Texts, labels and names of a person stay as they are:
only what was said by `say` or `msg` is looked up. Files and reports are made of the sections before."""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from cod_core.export.sections import Section
from cod_core.said import Said
from ui.frame import words

SEPARATORS = {"de": ",."}  # decimal mark and the one between thousands, as plotly wants them


def section(one: Section) -> Section:
    """The section with its words said; its numbers, which go to a file, stay."""
    if words.language() == "en":
        return one
    return replace(
        one,
        title=sentence(one.title),
        lead=sentence(one.lead),
        figures=[figure(made) for made in one.figures],
        rows=rows(one.rows),
        numbers=one.for_file,
        caption=sentence(one.caption),
        lines=[sentence(line) for line in one.lines],
        fold=sentence(one.fold),
    )


def sentence(said: str) -> str:
    """A sentence said in this language; what no catalogue has, and an empty one, as it is."""
    return words.t(said) if said else said


def rows(found: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """A table with its headings said, and its cells where they are sentences."""
    return [{sentence(key): value(cell) for key, cell in row.items()} for row in found]


def value(one: Any) -> Any:
    """A sentence said; any other value as it is."""
    return sentence(one) if isinstance(one, Said) else one


def figure(made: Any) -> Any:
    """A copy of a plotly figure with its titles, names and hovers said."""
    if words.language() == "en":
        return made
    said = copy.deepcopy(made)
    for trace in said.data:
        trace.update(_all({key: trace[key] for key in ("name", "text", "hovertemplate", "customdata", "x", "y") if trace[key] is not None}))
    said.update_layout(_all(said.layout.to_plotly_json()), separators=SEPARATORS[words.language()])
    return said


def _all(part: Any) -> Any:
    """The values of a mapping, list or tuple, those said that are sentences; an array of numbers is left."""
    if isinstance(part, Mapping):
        return {key: _all(one) for key, one in part.items()}
    if isinstance(part, list | tuple):
        return type(part)(map(_all, part))
    return value(part)
