"""The Curate page in real Chromium: keys, the live verdict, drafts that outlive everything, two people on one queue."""

import signal
import time

import pytest
import studio
from studio import GONE, SAYS, card, films, judged, leave, next_shown, open_card, press, ready, settle, shown

from cod_core.curation.state import outcome
from cod_core.store import decisions
from cod_core.workspace import Workspace

pytestmark = [pytest.mark.e2e, pytest.mark.slow]
BOX = ".cod-editor textarea"


def log(w, pid):
    return decisions.log(w.db, pid)


def wait_for_draft(w, pid, item: str, written: str) -> None:
    """Until the draft is saved, ten seconds at most."""
    for _ in range(100):
        if w.project(pid).curation.draft(item, "ada") == written:
            break
        time.sleep(0.1)


def test_a_hundred_decisions_by_keyboard_alone(app, workspace, tab):
    """A key that is lost or taken twice makes the hundredth decision the wrong one."""
    pid = studio.project(workspace, films(100))
    open_card(tab, app, pid)
    expected, at = {}, shown(tab)
    for number in range(100):
        ready(tab, f"number {int(at)} ")
        last = number == 99
        if number % 10 == 3:
            press(tab, "x", "document.querySelector('.st-key-reason-none button')")
            tab.wait_for_timeout(60)
            press(tab, "3", GONE, at)
            expected[at] = ("rejected", ("not_minimal",))
        else:
            key = "f" if number % 10 == 7 else "a"
            press(tab, key, *((SAYS, "Every proposal is decided") if last else (GONE, at)))
            expected[at] = ("needs_review" if number % 10 == 7 else "accepted", ())
        at = "" if last else shown(tab)
    tab.get_by_text("Every proposal is decided").wait_for()
    assert {d.example_id: (d.status, d.reasons) for d in log(workspace, pid)} == expected
    assert len(log(workspace, pid)) == 100
    tab.locator(".st-key-undo button").wait_for()
    settle(tab)
    press(tab, "u", SAYS, "99 of 100 texts decided")  # on a page without a card
    ready(tab, "number 99 ")
    press(tab, "u", SAYS, "98 of 100 texts decided")
    ready(tab, "number 98 ")
    press(tab, "u", SAYS, "97 of 100 texts decided")
    assert len(outcome(log(workspace, pid))) == 97


def test_keys_held_down_or_hit_twice_decide_once(app, workspace, tab):
    """Eight presses 40 ms apart made eight decisions once."""
    pid = studio.project(workspace, films(12))
    open_card(tab, app, pid)
    ready(tab, "number 0 ")
    for _ in range(8):
        tab.keyboard.press("a")
        tab.wait_for_timeout(15)
    leave(tab, "000")
    ready(tab, "number 1 ")
    assert len(log(workspace, pid)) == 1
    tab.keyboard.down("a")
    for _ in range(10):
        tab.keyboard.down("a")  # a key that is held repeats
        tab.wait_for_timeout(60)
    tab.keyboard.up("a")
    assert next_shown(tab, "001") == "002"
    settle(tab)
    assert len(log(workspace, pid)) == 2


def test_verdict_diff_and_bars_move_while_typing_and_the_box_keeps_the_focus(app, workspace, tab):
    """A verdict that waits for the box to be left is the old text's verdict."""
    pid = studio.project(
        workspace, [("The plot is dull and the acting is bad.", "The plot is dull and the acting is fine.")] * 1 + films(2)
    )
    open_card(tab, app, pid)
    tab.keyboard.press("e")
    tab.locator(BOX).fill("The plot is terrible and the acting is awful.")
    judged(tab, "does not flip")  # the first one loads the teacher
    waits = []
    for words, said in (
        ("A wonderful film with splendid acting.", "It flips"),
        ("A horrible, boring mess.", "does not flip"),
        ("A delightful, moving triumph.", "It flips"),
    ):
        tab.locator(BOX).select_text()
        tab.keyboard.type(words, delay=12)
        start = time.perf_counter()
        judged(tab, said)
        waits.append(time.perf_counter() - start)
        tab.locator(".cod-text ins", has_text=words.split()[1].strip(",.")).first.wait_for()
    assert tab.evaluate("document.activeElement.tagName") == "TEXTAREA"
    assert tab.locator(BOX).input_value() == "A delightful, moving triumph."
    print("seconds from the last key to the verdict:", [round(s, 2) for s in waits])
    assert min(waits) < 1.5, waits
    tab.keyboard.press("Escape")
    assert tab.evaluate("document.activeElement.tagName") != "TEXTAREA"
    tab.keyboard.press("e")
    before = card(tab)
    tab.keyboard.press("Control+Enter")
    leave(tab, before)
    kept = workspace.project(pid).pairs.kept()[before][0]
    assert (kept.text, kept.derived_from) == ("A delightful, moving triumph.", "c000")


def test_single_keys_are_typed_in_the_box_and_dead_when_switched_off(app, workspace, tab):
    pid = studio.project(workspace, films(3))
    open_card(tab, app, pid)
    tab.keyboard.press("e")
    tab.keyboard.press("End")
    tab.keyboard.type("axsfund")
    tab.keyboard.press("Escape")
    settle(tab)
    assert log(workspace, pid) == [] and tab.locator(BOX).input_value().endswith("axsfund")
    tab.keyboard.press("h")
    studio.click(tab.get_by_role("button", name="Switch single keys off"))
    tab.get_by_role("button", name="Switch single keys on").wait_for()
    tab.wait_for_timeout(300)
    tab.keyboard.press("s")
    settle(tab)
    assert log(workspace, pid) == []


def test_view_of_the_queue_is_in_the_address_and_opens_elsewhere(app, workspace, browser, tab):
    pid = studio.project(workspace, films(6))
    workspace.project(pid).curation.decide("c002", "rejected", "ann", reasons=("duplicate",))
    open_card(tab, app, pid, "&show=left&reason=duplicate")
    assert card(tab) == "002"
    tab.get_by_text("left out because: duplicate").first.wait_for()
    studio.click(tab.get_by_role("button", name="Show all again"))
    tab.wait_for_function("location.search.includes('show=left') && !location.search.includes('reason=')")


def test_draft_outlives_page_switch_refresh_restart_and_kill(own, tab):
    """Half a sentence that is gone once is the last one typed into this app."""
    w = Workspace(own.home)
    pid = studio.project(w, films(3))
    open_card(tab, own, pid)
    written = "Half a sentence that"

    def there() -> None:
        tab.locator(BOX).wait_for(timeout=90_000)
        tab.wait_for_function("t => document.querySelector('.cod-editor textarea')?.value === t", arg=written)

    tab.locator(BOX).fill(written)
    wait_for_draft(w, pid, "000", written)
    studio.click(tab.get_by_role("link", name="1 Data"))
    tab.get_by_role("heading", name="Data", exact=True).wait_for()
    studio.click(tab.get_by_role("link", name="4 Curate"))
    there()
    tab.reload()
    there()
    for how in (signal.SIGTERM, signal.SIGKILL):
        own.stop(how)
        own.start()
        tab.reload()
        there()
        assert tab.get_by_text("Page not found").count() == 0
    assert log(w, pid) == []


def test_what_is_typed_while_the_server_is_away_is_judged_and_kept_when_it_is_back(own, tab):
    """It stood in the box under the verdict of an earlier wording, and was gone with the next refresh."""
    w = Workspace(own.home)
    pid = studio.project(w, films(3))
    open_card(tab, own, pid)
    studio.click(tab.get_by_role("button", name="Next"))  # not the first round of the box in this session
    ready(tab, "number 1 ")
    own.stop(signal.SIGKILL)
    tab.locator("[data-testid=stConnectionStatus], [data-testid=stStatusWidget]").first.wait_for()
    tab.locator(BOX).press("End")
    tab.keyboard.type(" It is dreadful.", delay=20)
    own.start()
    judged(tab, "does not flip")
    written = "Film number 1 is a fine affair. It is dreadful."
    assert tab.locator(BOX).input_value() == written
    wait_for_draft(w, pid, "001", written)
    tab.reload()
    tab.wait_for_function("t => document.querySelector('.cod-editor textarea')?.value === t", arg=written)


def test_one_undo_takes_a_bulk_act_back_after_a_refresh(app, workspace, tab):
    pid = studio.project(workspace, films(5))
    workspace.project(pid).review.do_bulk(
        workspace.project(pid).review.plan_bulk("ada", ["001", "002", "003"], "rejected"), "ada", ("duplicate",)
    )
    open_card(tab, app, pid)
    tab.get_by_text("3 of 5 texts decided").wait_for()
    tab.reload()
    tab.get_by_text("3 of 5 texts decided").wait_for()
    ready(tab, "number 0 ")
    press(tab, "u", SAYS, "0 of 5 texts decided")
    assert outcome(log(workspace, pid)) == {} and len(log(workspace, pid)) == 6


def test_two_people_on_one_queue_never_meet_and_never_overwrite(app, workspace, browser):
    """The same text decided twice is work lost; one decision written over another is worse."""
    pid = studio.project(workspace, films(12))
    tabs = {who: browser.new_context(viewport={"width": 1400, "height": 1000}).new_page() for who in ("ann", "bob")}
    try:
        for who, tab in tabs.items():
            open_card(tab, app, pid, f"&by={who}")
            tab.set_default_timeout(60_000)
        at = {who: shown(tab) for who, tab in tabs.items()}
        for _ in range(5):
            assert at["ann"] != at["bob"], at
            for who, tab in tabs.items():
                ready(tab, f"number {int(at[who])} ")
            for who, tab in tabs.items():
                press(tab, "a", GONE, at[who])
            at = {who: shown(tab) for who, tab in tabs.items()}
        made = log(workspace, pid)
        assert len(made) == len({d.example_id for d in made}) == 10
        assert {d.annotator for d in made} == {"ann", "bob"}
        at = at["ann"]
        ready(tabs["ann"], f"number {int(at)} ")
        counted = "!document.querySelector('#live-strip')?.innerText.includes('Counting')"
        tabs["ann"].wait_for_function(counted)  # the page is drawn anew once they are: she would see what the third person did
        settle(tabs["ann"])
        workspace.project(pid).curation.decide(f"c{at}", "rejected", "cid", reasons=("duplicate",))  # a third person, past the lease
        press(tabs["ann"], "a", SAYS, "Nothing was overwritten")
        assert outcome(log(workspace, pid))[at].annotator == "cid"
    finally:
        for tab in tabs.values():
            tab.context.close()


def test_second_opinion_is_blind_then_settled_and_the_trail_replays(app, workspace, browser):
    """Whoever sees the first opinion gives no second one."""
    pid = studio.project(workspace, films(2))
    workspace.project(pid).curation.decide("c000", "rejected", "ann", reasons=("label_wrong",))
    assert workspace.project(pid).review.ask_opinions("ann", 1) == 1
    tab = browser.new_context(viewport={"width": 1400, "height": 1000}).new_page()
    tab.set_default_timeout(60_000)
    try:
        open_card(tab, app, pid, "&by=bob&item=000")
        studio.click(tab.get_by_text("History of this text"))
        tab.get_by_text("Proposed").first.wait_for()
        page = tab.locator("[data-testid=stMain]").inner_text().lower()
        assert "label is wrong" not in page and "rejected" not in page
        tab.locator("h1").click()
        ready(tab, "number 0 ")
        press(tab, "a", GONE, "000")
        assert {s.phase for s in workspace.project(pid).review.second_opinions()} == {"differ"}
        tab.goto(f"{app.url}/review?project={pid}&by=cid")
        tab.locator("h1", has_text="Review").wait_for()
        settle(tab)
        studio.click(tab.locator("[data-testid=stMain] button", has_text="Second opinions"))
        studio.click(tab.get_by_role("button", name="Settle it as bob did"))
        tab.get_by_text("Settled.").first.wait_for()
    finally:
        tab.context.close()
    held = outcome(log(workspace, pid))["000"]
    assert (held.status, held.annotator) == ("accepted", "cid")
    assert workspace.project(pid).audit.replayed() == (len(log(workspace, pid)), True)
