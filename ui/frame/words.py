"""The language of the screens: English as the code has it, or what ui/words/LANGUAGE/*.po says instead, a file a room.

A catalogue that lacks a sentence shows it in English; tests/app/test_german.py fails for it. Texts, labels and names of a person are
values of a sentence and never looked up. Knows no project and no store.
"""

import functools
import os
import string
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from cod_core.said import Said

if TYPE_CHECKING:
    from gettext import GNUTranslations

LANGUAGES = {"en": "English", "de": "Deutsch"}
CHOSEN = "language"
FOLDER = Path(__file__).resolve().parents[1] / "words"
_COMMA_AND_POINT = str.maketrans(",.", ".,")


def t(words: str, /, **values: object) -> str:
    """The words in the language of this screen. values: what stands in the template's braces; those that were said by `say` or
    `several` are said in that language too. Without values braces are left as they are."""
    said = words if isinstance(words, Said) and not values else Said(words.template if isinstance(words, Said) else words, values)
    spoken = language()
    return str(said) if spoken == "en" else _said(said, spoken)


def language() -> str:
    """The language chosen in this session, by the address (?lang=de) or by COD_LANGUAGE: one of LANGUAGES."""
    chosen = st.session_state.get(CHOSEN) or os.environ.get("COD_LANGUAGE", "en")
    return chosen if chosen in LANGUAGES else "en"


def adopt(asked: str | None) -> None:
    """Take the language of the address, where the session has none yet."""
    if asked in LANGUAGES and CHOSEN not in st.session_state:
        st.session_state[CHOSEN] = asked


def number(value: float, spec: str = ",") -> str:
    """A number by itself, with the signs of the language."""
    return format(value, spec) if language() == "en" else _Numbers().format_field(value, spec)


@functools.cache
def catalogue(of: str) -> "GNUTranslations":
    """All rooms' sentences of a language."""
    from gettext import GNUTranslations
    from io import BytesIO

    from babel.messages.catalog import Catalog
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    whole = Catalog(locale=of)
    for path in sorted((FOLDER / of).glob("*.po")):
        with open(path, encoding="utf-8") as file:
            for one in read_po(file, locale=of):
                if one.id and one.string:
                    whole.add(one.id, one.string)
    packed = BytesIO()
    write_mo(packed, whole)
    packed.seek(0)
    return GNUTranslations(packed)


def _said(said: Said, spoken: str) -> str:
    if not said.template:  # gettext has the catalogue's own header under no words
        return ""
    known = catalogue(spoken)
    n = said.values.get("n")
    template = known.ngettext(said.template, said.many, n) if said.many and isinstance(n, int) else known.gettext(said.template)
    if not said.values:
        return template
    return _Numbers().format(template, **{name: _said(v, spoken) if isinstance(v, Said) else v for name, v in said.values.items()})


class _Numbers(string.Formatter):
    """str.format with a point between thousands and a decimal comma."""

    def format_field(self, value: Any, format_spec: str) -> Any:
        out = super().format_field(value, format_spec)
        if format_spec.endswith("%"):
            out = f"{out[:-1]}\u00a0%"
        return out.translate(_COMMA_AND_POINT) if isinstance(value, int | float) else out
