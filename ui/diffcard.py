"""Two texts as one marked-up text: what was removed, what was added. Pure: strings in, HTML out.

Every piece is escaped. A change is never told by colour alone: strike and minus for removed, underline and
plus for added, and hidden words for screen readers.
"""

from html import escape

from cod_core.text import diff

_HIDDEN = '<span class="cod-sr">{}</span>'


def _piece(tag: str, sign: str, word: str, text: str) -> str:
    said, end = _HIDDEN.format(f" {word}: "), _HIDDEN.format(" end. ")
    return f'<{tag}>{said}<span aria-hidden="true">{sign}</span>{escape(text)}{end}</{tag}>'


def removed(text: str) -> str:
    """One removed piece."""
    return _piece("del", "−", "removed", text)


def added(text: str) -> str:
    """One added piece."""
    return _piece("ins", "+", "added", text)


def in_place(original: str, proposal: str) -> str:
    """HTML of the original with every edit marked where it happens."""
    out, at = [], 0
    for edit in diff(original, proposal):
        out.append(escape(original[at : edit.a_start]))
        if edit.a_text:
            out.append(removed(edit.a_text))
        if edit.b_text:
            lead = " " if edit.op == "insert" and edit.a_start and not original[edit.a_start - 1].isspace() else ""
            out.append(lead + added(edit.b_text))
        at = max(at, edit.a_end)
    out.append(escape(original[at:]))
    return "".join(out)


def whole(text: str, read: int | None = None) -> str:
    """HTML of one text; what lies beyond `read` characters is greyed: the teacher does not read it."""
    if read is None or read >= len(text):
        return escape(text)
    note = _HIDDEN.format(" The teacher does not read from here on: ")
    return (
        f'{escape(text[:read])}<span class="cod-unread" title="The teacher does not read this part">'
        f"{note}{escape(text[read:])}</span>"
    )


def card(title: str, body_html: str, caption: str = "") -> str:
    """A bordered block; title and caption are escaped, body_html must be already."""
    note = f'<span class="cod-cap">{escape(caption)}</span>' if caption else ""
    return (
        f'<section class="cod-card"><header><h4>{escape(title)}</h4>{note}</header>'
        f'<div class="cod-text">{body_html}</div></section>'
    )


def changes(original: str, proposal: str, note: str = "") -> str:
    """The block with every change marked where it happens."""
    return card("What changes", in_place(original, proposal), note)
