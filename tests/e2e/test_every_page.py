"""Every page with the worst texts on it: nothing leaves the machine, nothing runs, everybody can use it.

One walk over the pages a theme; on each the accessibility rules of axe (WCAG A and AA), the width of a small
window, and every request that the browser makes.
"""

import math
from urllib.parse import urlparse

import pytest
import studio
from sqlalchemy import delete

from cod_core.models.choice import read_choice
from cod_core.project.teacher.loader import identity
from cod_core.store import cache, items, schema
from cod_core.text import text_hash
from cod_core.types import Example

pytestmark = [pytest.mark.e2e, pytest.mark.slow]
PAGES = ["data", "teacher", "proposals", "curate", "review", "distill", "results", "compare", "moons", "export", "settings", ""]
HOSTILE = [
    '<script>window.hacked = 1</script><img src="https://evil.example/a.png" onerror="window.hacked = 2"> a dull film',
    "![x](https://evil.example/b.png) [link](https://evil.example/c) :red[dull] $x^2$ `code` a dull film",
    '=HYPERLINK("https://evil.example/d", "dull") +1 -1 @SUM(A1) a dull film',
    "a dull\x07 \x1b[31mfilm\x00 with \u202egnp.exe\u202c and \u2066isolates\u2069 \ufffe in it",
    "dull " * 10_000,
    '"><iframe src="https://evil.example/e"></iframe><form action="https://evil.example/f"><input name=q> a dull film',
]
WORDS = {
    "ar": ("هذا الفيلم ممل جدا.", "هذا الفيلم رائع جدا."),
    "he": ("הסרט הזה משעמם מאוד.", "הסרט הזה נפלא מאוד."),
    "zh": ("这部电影很无聊。", "这部电影很精彩。"),
    "de": ("Der Film ist langweilig und viel zu lang.", "Der Film ist spannend und viel zu lang."),
}


@pytest.fixture(scope="module")
def hostile(workspace):
    """A project whose every text, label, name and note wants something; some decided, some not."""
    w = workspace
    pairs = [(text, text.replace("dull", "fine", 1)) for text in HOSTILE] + list(WORDS.values())
    pid = studio.project(w, pairs, name="![n](https://evil.example/n.png) <b>Films</b>")
    teacher = identity(read_choice(w.project(pid).row.teacher), studio.LABELS)
    extra = [Example(f"t{i}", f"{HOSTILE[i % 4]} {i}", studio.LABELS[i % 2], "test") for i in range(8)]
    items.add_examples(w.db, pid, extra)
    known = [e.text for e in items.examples(w.db, pid)] + [changed for _, changed in pairs]
    cache.put_predictions(w.db, *teacher, {text_hash(t): (math.log(0.9), math.log(0.1)) for t in known})
    w.project(pid).curation.decide("c000", "accepted", "ann")
    w.project(pid).curation.decide("c001", "rejected", "<img src=x>", reasons=("other",), comment="![c](https://evil.example/g.png)")
    w.project(pid).curation.save_draft("002", "ada", "c002", "<b>draft</b> ![d](https://evil.example/h.png)")
    return pid


@pytest.fixture(scope="module")
def desk(browser, workspace):
    """One window for all cards, three minutes later: a text that another window has on the screen is passed over."""
    with workspace.db.begin() as c:
        c.execute(delete(schema.leases))
    context = browser.new_context(viewport={"width": 1400, "height": 1000})
    made = context.new_page()
    made.set_default_timeout(60_000)
    yield made
    context.close()


def serious(results) -> list[str]:
    """Serious and critical violations: the rule and the first place."""
    return [f"{v['id']}: {v['nodes'][0]['html'][:160]}" for v in results.response["violations"] if v["impact"] in ("serious", "critical")]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_page_is_harmless_usable_by_everybody_and_fits_a_small_window(app, browser, hostile, theme):
    from axe_playwright_python.sync_playwright import Axe

    context = browser.new_context(viewport={"width": 900, "height": 700}, color_scheme=theme)
    foreign, wrong = [], {}
    context.on("request", lambda r: foreign.append(r.url) if urlparse(r.url).hostname not in ("127.0.0.1", None) else None)
    tab = context.new_page()
    tab.set_default_timeout(60_000)
    tab.on("dialog", lambda d: (foreign.append(f"dialog {d.message}"), d.dismiss()))
    axe, options = Axe(), {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}
    try:
        for page in PAGES:
            tab.goto(f"{app.url}/{page}?project={hostile}")
            tab.locator("h1, h2, .cod-hero").first.wait_for()
            studio.settle(tab)
            tab.wait_for_function("!document.querySelector('[data-testid=stSpinner]')")
            tab.wait_for_function("!document.querySelector('[data-stale=true]')")  # what is drawn anew is faded, and no page looks so
            tab.wait_for_timeout(250)
            found = serious(axe.run(tab, options=options))
            wide = tab.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            if wide > 1:
                found.append(f"{wide} pixels too wide")
            if tab.get_by_text("Something went wrong").count() or tab.locator(".stException").count():
                found.append("an error on the page")
            if found:
                wrong[page] = found
        assert tab.evaluate("window.hacked") is None
        assert tab.locator("iframe[src*=evil], img[src*=evil], form[action*=evil]").count() == 0
        assert not foreign, foreign
        assert not wrong, wrong
    finally:
        context.close()


@pytest.mark.parametrize("number", range(len(HOSTILE)))
def test_hostile_text_is_shown_as_text_on_its_card(app, desk, hostile, number):
    """What a person reads must be what the file holds, even where the text wants to be something else."""
    tab = desk
    foreign = []
    tab.on("request", lambda r: foreign.append(r.url) if urlparse(r.url).hostname not in ("127.0.0.1", None) else None)
    studio.open_card(tab, app, hostile, f"&show=all&item={number:03d}")
    shown = tab.locator("[data-cod-original]").inner_text()
    assert HOSTILE[number].split()[0][:20].replace("\x07", "") in shown
    if "\u202e" in HOSTILE[number]:
        assert "\u202e" not in shown and tab.locator("[data-cod-original] .cod-ctl[data-code='U+202E']").count() == 1
    assert not foreign and tab.evaluate("window.hacked") is None


@pytest.mark.parametrize(("language", "direction"), [("ar", "rtl"), ("he", "rtl"), ("zh", "ltr"), ("de", "ltr")])
def test_other_scripts_run_the_right_way_and_are_counted_right(app, desk, hostile, language, direction):
    tab = desk
    number = len(HOSTILE) + list(WORDS).index(language)
    studio.open_card(tab, app, hostile, f"&show=all&item={number:03d}")
    original = tab.locator("[data-cod-original]")
    assert original.inner_text() == WORDS[language][0]
    assert original.evaluate("e => getComputedStyle(e).direction") == direction
    assert tab.locator(".cod-editor textarea").evaluate("e => getComputedStyle(e).direction") == direction
    said = tab.locator(".cod-verdict").inner_text()
    assert ("2 words changed" if language == "zh" else "1 word changed") in said, said
    assert any(word in tab.locator(".cod-text ins").first.inner_text() for word in ("رائع", "נפלא", "精彩", "spannend"))
