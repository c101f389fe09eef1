"""One self-contained HTML report of the results: the sentence, every picture, every note. Opens without this app.

plotly.js is written into the file once; nothing is fetched, and the page's own policy forbids it. Texts are escaped.
"""

from collections.abc import Sequence
from html import escape

from cod_core.diagnostics.notes import NOTES
from cod_core.export.sections import Row, Section, distinct

__all__ = ["Section", "build"]

POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data: blob:; font-src data:"
STYLE = """:root{color-scheme:light dark}body{font:16px/1.55 system-ui,sans-serif;max-width:62rem;margin:2rem auto;
padding:0 1.2rem;color:light-dark(#1c2733,#e6eaef);background:light-dark(#fff,#14181d)}h1{font-size:1.7rem}
h2{font-size:1.25rem;margin-top:2.4rem}blockquote{border-left:4px solid #3a76b8;margin:1rem 0;padding:.2rem 0 .2rem 1rem;
font-size:1.15rem}table{border-collapse:collapse;width:100%;font-size:.92rem}td,th{border-bottom:1px solid
light-dark(#d5dce4,#36404b);padding:.3rem .5rem;text-align:left;overflow-wrap:anywhere}.s{color:light-dark(#5a6673,#a5b0bc);
font-size:.9rem}details{font-size:.9rem;margin:.4rem 0}@media print{details{display:block}}"""


def build(title: str, about: Sequence[tuple[str, str]], sentence: str, sections: Sequence[Section]) -> str:
    """The page as a string. about: (name, value) lines under the title. sentence: what comes first.

    Raises ValueError where two sections have one id.
    """
    parts: list[str] = []
    with_library = True
    for section in distinct(sections):
        parts += _drawn(section, with_library)
        with_library = with_library and not section.figures
    lines = " · ".join(f"{escape(name)}: {escape(value)}" for name, value in about)
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}"><style>{STYLE}</style></head><body>'
        f'<h1>{escape(title)}</h1><p class="s">{lines}</p><blockquote>{escape(sentence)}</blockquote>'
        + "\n".join(parts)
        + "</body></html>\n"
    )


def _drawn(section: Section, with_library: bool) -> list[str]:
    """The lines of one section. with_library: its first figure brings plotly.js, for all that follow."""
    name = f' id="{section.id}"' if section.id else ""
    fold, unfold = ("<details><summary>Technical details</summary>", "</details>") if section.technical else ("", "")
    title = section.title or section.fold
    parts = [f"<section{name}>{f'<h2>{escape(title)}</h2>' if title else ''}{fold}"]
    if section.lead:
        parts.append(f"<blockquote>{escape(section.lead)}</blockquote>")
    for at, figure in enumerate(section.figures):
        parts.append(
            figure.to_html(
                full_html=False,
                include_plotlyjs=with_library and at == 0,
                include_mathjax=False,
                config={"displaylogo": False, "responsive": True},
            )
        )
    if section.caption:
        parts.append(f'<p class="s">{escape(section.caption)}</p>')
    parts += [f"<p>{escape(line)}</p>" for line in section.lines]
    if section.rows:
        parts.append(_table(section.rows))
    return [*parts, *map(_note, section.notes), f"{unfold}</section>"]


def _table(rows: Sequence[Row]) -> str:
    names = list(dict.fromkeys(name for row in rows for name in row))
    head = "".join(f"<th>{escape(str(name))}</th>" for name in names)
    body = "".join("<tr>" + "".join(f"<td>{escape(_shown(row.get(name)))}</td>" for name in names) + "</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _shown(value: object) -> str:
    if value is None:
        return "–"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _note(name: str) -> str:
    n = NOTES[name]
    return (
        f'<p class="s">{escape(n.name)}: {escape(n.plain)}</p><details><summary>How this is measured</summary>'
        f'<p>{escape(n.formula)}<br><span class="s">Source: {escape(n.source)}</span></p></details>'
    )
