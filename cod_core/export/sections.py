"""A section of the results as a value: what the Results page and the HTML report both draw, so that a plot is added once.

Knows what a section says and shows; neither the screen nor the file. Whoever draws decides how: the page with buttons and
folds, report.py with headings and <details>.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from cod_core.diagnostics.notes import NOTES


class Figure(Protocol):
    """What a drawer needs of plotly's Figure; plotly itself is not loaded for it."""

    def to_html(self, *, full_html: bool, include_plotlyjs: bool, include_mathjax: bool, config: Mapping[str, object]) -> str: ...


Row = Mapping[str, object]


@dataclass(frozen=True)
class Section:
    """title, and lead: one sentence that says the result. figures: plotly, side by side where there is room.

    rows: a table that is shown. numbers: what lies behind the figures, for a file; the rows where there are none. notes: names
    in diagnostics.notes. id: short and unique among the sections of one page, the key of its widgets and the name of its
    files ("gaps" gives gaps.csv, gaps.png). caption: small print under the figures. technical: folded away, since it needs
    the paper to be read. clicks: a point carries the id of a text in customdata[0], and a click on it opens the text. moves:
    the figure may be dragged and scrolled. lines: sentences, one under the other. fold: the words under which a screen folds rows
    and lines away; the heading in a file, where there is no title. half: takes half of the width; the next half stands beside
    it. Raises ValueError for an id that is none, or a note that is not written.
    """

    title: str
    lead: str = ""
    figures: Sequence[Figure] = ()
    rows: Sequence[Row] = ()
    notes: Sequence[str] = ()
    id: str = field(default="", kw_only=True)
    caption: str = field(default="", kw_only=True)
    numbers: Sequence[Row] = field(default=(), kw_only=True)
    technical: bool = field(default=False, kw_only=True)
    clicks: bool = field(default=False, kw_only=True)
    moves: bool = field(default=False, kw_only=True)
    lines: Sequence[str] = field(default=(), kw_only=True)
    fold: str = field(default="", kw_only=True)
    half: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z0-9-]*", self.id):
            raise ValueError(f"a section's id is of small letters, digits and hyphens; got {self.id!r}")
        if unknown := [name for name in self.notes if name not in NOTES]:
            raise ValueError(f"no note is written for {', '.join(unknown)}: add it to diagnostics/notes.py")

    @property
    def for_file(self) -> Sequence[Row]:
        """The rows that a download of this section holds."""
        return self.numbers or self.rows


def distinct(sections: Iterable[Section]) -> list[Section]:
    """The sections, as a list. Raises ValueError where two share an id: their widgets and files would be taken for one."""
    out = list(sections)
    ids = [section.id for section in out if section.id]
    if twice := sorted({name for name in ids if ids.count(name) > 1}):
        raise ValueError(f"two sections have the id {', '.join(twice)}")
    return out
