"""Hostile strings typed into the fields of every page in real Chromium, over a project whose every stored word is one: nothing runs.

Every request of the browser goes through the test. COD_HOSTILE=all types all two hundred into each field (docs/security.md).
"""

import math
import os
import re
from urllib.parse import urlencode, urlparse

import pytest
import studio

from cod_core.models.choice import read_choice
from cod_core.project.teacher.loader import identity
from cod_core.store import cache
from cod_core.text import text_hash
from cod_core.types import GuidelineExample
from tests.hostile import STRINGS, at

pytestmark = [pytest.mark.e2e, pytest.mark.slow]
TURNS = range(0, len(STRINGS), 1 if os.environ.get("COD_HOSTILE") == "all" else 100)
TYPED = 100  # more strings than that are typed, which docs/security.md says
DOORS = [  # page, what is pressed to come to its fields, how many there are at least, what is pressed when they are filled
    ("", "No file yet? Name the labels first", 4, "Create the project"),
    ("data", "Paste", 3, ""),
    ("teacher", "Hugging Face model", 3, ""),
    ("teacher", "Language model", 3, ""),
    ("proposals", "Language model", 3, ""),
    ("curate", "", 3, ""),
    ("review", "", 1, ""),
    ("review", "Guideline", 20, "Save as a new version"),
    ("review", "History", 1, ""),
    ("export", "", 7, "Save the card"),
    ("settings", "", 4, "Save"),
    ("data", "Rename", 2, "Rename"),
]
PARAMETERS = ("item", "find", "sort", "label", "origin", "who", "reason", "differs", "lang", "tour", "other")
FIELDS = "[data-testid=stTextInput] input, [data-testid=stTextArea] textarea, .cod-editor textarea"
TYPE = """([fields, said]) => [...document.querySelectorAll(fields)].filter(f => !f.disabled).map((f, i) => {
    const most = f.maxLength > 0 ? f.maxLength : 100000, words = said[i % said.length].slice(0, most);
    f.focus();
    Object.getOwnPropertyDescriptor(Object.getPrototypeOf(f), 'value').set.call(f, words);
    f.dispatchEvent(new Event('input', {bubbles: true}));
    f.blur();
    return words;
})"""
OPENED = """([fields, most]) => {
    document.querySelectorAll('details:not([open]) > summary').forEach(s => s.click());
    return [...document.querySelectorAll(fields)].filter(f => !f.disabled).length >= most;
}"""
RAN = """() => {
    // a link of the app's own may carry a name behind its question mark, encoded
    const where = (e, n) => n === 'href' ? (e.getAttribute(n) || '').split('?')[0] : e.getAttribute(n) || '';
    const bad = [...document.querySelectorAll('*')].filter(e =>
        [...e.attributes].some(a => a.name.startsWith('on') && a.name !== 'on') ||
        ['src', 'href', 'action', 'data', 'srcdoc', 'poster', 'srcset', 'formaction', 'style'].some(n =>
            /evil\\.example|hacked|javascript:|data:text\\/html/.test(where(e, n))) ||
        ['OBJECT', 'EMBED', 'BASE', 'MARQUEE', 'MATH'].includes(e.tagName) && !e.closest('.katex'));
    return [...(window.hacked ? ['a script ran'] : []), ...bad.map(e => e.outerHTML.slice(0, 200))];
}"""


@pytest.fixture(scope="module")
def stored(workspace):
    """A project in which everything that a person can name or write is one of the strings."""
    w = workspace
    pairs = [(f"{s} a dull film {i}", f"{s} a fine film {i}") for i, s in enumerate(STRINGS)]
    pid = studio.project(w, pairs, name=STRINGS[0])
    project = w.project(pid)
    teacher = identity(read_choice(project.row.teacher), studio.LABELS)
    known = [text for pair in pairs for text in pair]
    cache.put_predictions(w.db, *teacher, {text_hash(text): (math.log(0.9), math.log(0.1)) for text in known})
    for i in range(0, len(STRINGS), 5):
        status = ("accepted", "rejected", "skipped", "needs_review")[i // 5 % 4]
        why = {"reasons": ("other",)} if status == "rejected" else {}
        project.curation.decide(f"c{i:03d}", status, STRINGS[(i + 1) % 200][:40].strip() or "ann", comment=STRINGS[i + 2], **why)
    examples = tuple(GuidelineExample(f"{STRINGS[i]} a", f"{STRINGS[i]} b", bool(i % 2), STRINGS[i + 1]) for i in range(40, 52))
    project.guideline.write("\n".join(STRINGS[:60]), "ann", {"other": STRINGS[4][:80]}, examples, STRINGS[5])
    project.label_set.describe({studio.LABELS[0]: STRINGS[6], studio.LABELS[1]: STRINGS[60]})
    project.exports.set_card(
        {"description": "\n".join(STRINGS), "authors": STRINGS[7], "license": STRINGS[8], "languages": list(STRINGS[9:12])}
    )
    return pid


def watched(browser, own: str):
    """(a tab, everything that it asked for elsewhere or that ran in it). own: the address that it may ask; others get nothing."""
    context, found = browser.new_context(viewport={"width": 1400, "height": 1000}), []

    def asked(request) -> None:
        if (
            not request.url.startswith((f"{own}/", f"{own.replace('http', 'ws')}/", "data:", "blob:"))
            or "hacked" in urlparse(request.url).path
        ):
            found.append(f"asked for {request.url[:200]}")

    context.on("request", asked)
    context.route(re.compile(rf"^(?!{re.escape(own)}/|data:|blob:)"), lambda route: route.abort())
    tab = context.new_page()
    context.on("page", lambda page: found.append("opened a window"))
    tab.set_default_timeout(120_000)
    tab.on("dialog", lambda d: (found.append(f"dialog {d.message}"), d.dismiss()))
    tab.on("pageerror", lambda e: found.append(f"page error {str(e)[:200]}"))
    tab.on("download", lambda d: found.append(f"download {d.url[:100]}"))
    return tab, found


def drawn(tab, fields: int = 0) -> None:
    """Wait until the page has been drawn, with as many fields as it has in all its boxes."""
    tab.locator("h1, h2, .cod-hero").first.wait_for()
    studio.settle(tab)
    tab.wait_for_function(OPENED, arg=[FIELDS, fields], polling=300)
    studio.settle(tab)


def test_no_string_in_any_field_or_on_any_page_runs(app, browser, stored):
    tab, found = watched(browser, app.url)
    typed, number, faults = [], 0, {}
    for place, (page, first, fields, last) in enumerate(DOORS):
        query = {name: at(number, place) for number, name in enumerate(PARAMETERS)} if page not in ("curate", "") else {}
        tab.goto(f"{app.url}/{page}?{urlencode({'project': stored, 'by': 'ann'} | query)}")
        drawn(tab)
        if first:
            studio.click(tab.get_by_test_id("stMain").get_by_text(first, exact=True))
        drawn(tab, fields)
        most = 0
        for turn in TURNS:
            said = [at(number + i, turn) for i in range(80)]
            typed += (now := tab.evaluate(TYPE, [FIELDS, said]))
            most = max(most, len(now))
            studio.settle(tab)
            button = tab.get_by_test_id("stMain").get_by_role("button", name=last, exact=True) if last else None
            if button and button.count() and button.first.is_enabled():
                button.first.click()
                studio.settle(tab)
            if wrong := [*tab.evaluate(RAN), *found]:
                faults.setdefault(f"{page} {first}", []).append((turn, wrong[:3]))
                found.clear()
        number += most
    tab.context.close()
    assert not faults, faults
    assert not app.bugs(), app.bugs()
    assert len(typed) > TYPED and len(set(typed)) > 80, (len(typed), len(set(typed)))
