"""The German interface: every sentence of the code has its German one, and no page says a word that the catalogue does not know."""

import pytest
import spoken
from conftest_app import EVIL, LABELS, PAIRS

from ui.frame import layout, words

PAGES = ["start", "data", "teacher", "proposals", "curate", "review", "distill", "results", "compare", "moons", "export", "settings"]
PROJECT = [layout.plain(f"Films {EVIL}"[:110], most) for most in (50, 40)]
OWN = ("Counterfactual", "Curation", "English", "Deutsch", "ada", "search", *LABELS, *PROJECT)
"""What stands on a page untranslated: the app's name, the names of the languages, of the generator that
the fixture has, what the person brought."""


def test_every_sentence_has_its_german_one():
    known = words.catalogue("de")._catalog
    missing = [
        f"{where}: {one!r}" for one, where in spoken.sentences().items() if (one if isinstance(one, str) else (one[0], 0)) not in known
    ]
    assert not missing, f"{len(missing)} sentences are missing in ui/words/de:\n" + "\n".join(missing)


def test_the_catalogue_holds_nothing_that_the_code_no_longer_says():
    said = {one if isinstance(one, str) else one[0] for one in spoken.sentences()}
    stale = [id for id in words.catalogue("de")._catalog if (id if isinstance(id, str) else id[0]) not in said and id]
    assert not stale, stale


def test_a_translation_has_the_same_values():
    """Prevents: a name in braces that the code does not give ends a page with a traceback."""
    wrong = []
    for id, german in words.catalogue("de")._catalog.items():
        if id and spoken.fields(id if isinstance(id, str) else id[0]) != spoken.fields(german):
            wrong.append((id, german))
    assert not wrong, wrong


def test_no_sentence_is_built_where_no_catalogue_can_hold_it():
    assert not spoken.built_by_hand()


@pytest.fixture
def bracketed(monkeypatch):
    """A language that puts what it says in brackets."""
    monkeypatch.setenv("COD_LANGUAGE", "de")

    def said(one, _language):
        values = {n: said(v, "") if isinstance(v, words.Said) else v for n, v in one.values.items()}
        template = one.many if one.many and one.values["n"] != 1 else one.template
        return spoken.OPEN + (template.format(**values) if values else template) + spoken.SHUT

    monkeypatch.setattr(words, "_said", said)


@pytest.mark.parametrize("page", PAGES)
def test_a_page_says_nothing_that_was_not_said_in_its_language(filled, screen, bracketed, page):
    test = screen(page, filled)
    assert not test.exception
    left = spoken.bare(test, (*OWN, *spoken.pieces(PAIRS), "1 word replaced"))  # a note as no search writes it
    assert not left, "\n".join(sorted(left))
