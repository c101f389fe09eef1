"""Two texts as one marked-up text: what was removed, what was added. Strings in, HTML out, its words in the screen's language.

Every piece is escaped. A change is never told by colour alone: strike and minus for removed, underline and
plus for added, and hidden words for screen readers.
"""

from html import escape as _escape

import regex

from cod_core.text import diff
from ui.frame.words import t

_INVISIBLE = regex.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u202a-\u202e\u2066-\u2069\ufff9-\ufffb]")
_HIDDEN = '<span class="cod-sr">{}</span>'


def escape(text: str) -> str:
    """The text as HTML. Characters that turn the reading direction around or print nothing are named instead."""
    return _INVISIBLE.sub(_named, _escape(text))


def _named(match: regex.Match[str]) -> str:
    code = f"U+{ord(match.group()):04X}"
    return f'<span class="cod-ctl" data-code="{code}" title="{_escape(t("invisible character {code}", code=code))}"></span>'


def _piece(tag: str, sign: str, word: str, text: str) -> str:
    said, end = _HIDDEN.format(f" {word}: "), _HIDDEN.format(f" {t('end.')} ")
    return f'<{tag}>{said}<span aria-hidden="true">{sign}</span>{escape(text)}{end}</{tag}>'


def removed(text: str) -> str:
    """One removed piece."""
    return _piece("del", "−", t("removed"), text)


def added(text: str) -> str:
    """One added piece."""
    return _piece("ins", "+", t("added"), text)


def _kept(text: str, start: int, end: int, read: int | None) -> str:
    """HTML of an unchanged piece; what lies beyond `read` characters is greyed."""
    if read is None or end <= read:
        return escape(text[start:end])
    cut = max(start, read)
    return escape(text[start:cut]) + (_unread(text[cut:end]) if cut < end else "")


def _unread(text: str) -> str:
    note, title = _HIDDEN.format(f" {t('The teacher does not read this:')} "), _escape(t("The teacher does not read this part"))
    return f'<span class="cod-unread" title="{title}">{note}{escape(text)}</span>'


def in_place(original: str, proposal: str, read: int | None = None) -> str:
    """HTML of the original with every edit marked where it happens. read: characters of it that the teacher reads."""
    out, end = [], 0
    for edit in diff(original, proposal):
        out.append(_kept(original, end, edit.a_start, read))
        if edit.a_text:
            out.append(removed(edit.a_text))
        if edit.b_text:
            lead = " " if edit.op == "insert" and edit.a_start and not original[edit.a_start - 1].isspace() else ""
            out.append(lead + added(edit.b_text))
        end = max(end, edit.a_end)
    out.append(_kept(original, end, len(original), read))
    return "".join(out)


def sides(original: str, proposal: str) -> tuple[str, str]:
    """HTML of both texts, what was removed marked in the first and what was added in the second."""
    left, right, a, b = [], [], 0, 0
    for edit in diff(original, proposal):
        left += [escape(original[a : edit.a_start]), removed(edit.a_text) if edit.a_text else ""]
        right += [escape(proposal[b : edit.b_start]), added(edit.b_text) if edit.b_text else ""]
        a, b = max(a, edit.a_end), max(b, edit.b_end)
    return "".join([*left, escape(original[a:])]), "".join([*right, escape(proposal[b:])])


def whole(text: str, read: int | None = None) -> str:
    """HTML of one text; what lies beyond `read` characters is greyed: the teacher does not read it."""
    return _kept(text, 0, len(text), read)


def card(title: str, body_html: str, caption: str = "", mark: str = "") -> str:
    """A bordered block; title and caption are escaped, body_html must be already. mark: an attribute of our own.

    dir="auto" lets a right-to-left text run from the right, whatever the page does.
    """
    note = f'<span class="cod-cap"><bdi>{escape(caption)}</bdi></span>' if caption else ""
    return (
        f'<section class="cod-card"><header><h4>{escape(title)}</h4>{note}</header>'
        f'<div class="cod-text" dir="auto" {mark}>{body_html}</div></section>'
    )


def changes(original: str, proposal: str, note: str = "", read: int | None = None) -> str:
    """The block with every change marked where it happens."""
    return card(t("What changes"), in_place(original, proposal, read), note)


def side_by_side(original: str, proposal: str, note: str = "") -> str:
    """The same as two texts beside each other."""
    left, right = sides(original, proposal)
    return f'<div class="cod-sides">{card(t("Before"), left)}{card(t("After"), right, note)}</div>'
