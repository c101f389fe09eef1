"""Several people in real Chromium: signing in, two browsers on one queue, blind opinions settled, bulk undone."""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import pytest
import studio

from cod_core.models.choice import read_choice
from cod_core.project.teacher.loader import identity
from cod_core.store import cache, items, projects
from cod_core.text import text_hash
from cod_core.types import Counterfactual, Example, FlipCheck, Origin, Prediction, Task, now
from cod_core.workspace import Workspace
from tests.oidc import FakeProvider

ROOT = Path(__file__).resolve().parents[2]
LABELS = ("negative", "positive")
TEACHER = {"kind": "builtin", "name": "movies"}
pytestmark = [pytest.mark.e2e, pytest.mark.slow]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def app(tmp_path, port: int, *options: str, **environment: str):
    """The app as a process of its own; yields its address."""
    with open(tmp_path / "app.log", "w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless", "true", "--server.port", str(port), *options],
            cwd=ROOT,
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**os.environ, "COD_HOME": str(tmp_path / "home"), **environment},
        )
        url = f"http://127.0.0.1:{port}"
        for _ in range(120):
            try:
                urllib.request.urlopen(f"{url}/_stcore/health", timeout=1)
                break
            except OSError:
                time.sleep(0.5)
        try:
            yield url
        finally:
            process.terminate()
            process.wait(20)
            print((tmp_path / "app.log").read_text()[-2000:])


@pytest.fixture
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        opened = play.chromium.launch(
            executable_path=shutil.which("chromium") or "/usr/bin/chromium",
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        yield opened
        opened.close()


def tab(browser):
    """A tab of a browser profile of its own: another person at another machine."""
    opened = browser.new_context(viewport={"width": 1400, "height": 1000}, accept_downloads=True).new_page()
    opened.set_default_timeout(60_000)
    return opened


@pytest.fixture
def project(tmp_path):
    """(workspace, project id): six texts with a proposal each; every number is on record, so no model is asked."""
    import numpy as np

    w = Workspace(tmp_path / "home")
    pid = w.create_project("Team", Task("Good or bad?", LABELS))
    projects.set_teacher(w.db, pid, TEACHER)
    teacher = identity(read_choice(TEACHER), LABELS)
    before, after = Prediction(LABELS, (-2.3, -0.1)), Prediction(LABELS, (-0.2, -1.7))
    texts = [f"The {thing} was a delight to see." for thing in ("film", "play", "show", "match", "scene", "dance")]
    items.add_examples(w.db, pid, [Example(f"e{i}", t, "positive") for i, t in enumerate(texts)])
    cfs = [
        Counterfactual(
            f"c{i}",
            f"e{i}",
            t.replace("delight", "bore"),
            "positive",
            "negative",
            Origin("search", "s", "1"),
            note="1 word replaced",
            created_at=now(),
        )
        for i, t in enumerate(texts)
    ]
    items.add_counterfactuals(w.db, pid, cfs)
    items.add_checks(w.db, pid, [FlipCheck(cf.id, *teacher, before, after, "negative", 1, 0.14, 5, 0.9, False, now()) for cf in cfs])
    cache.put_predictions(
        w.db, *teacher, {text_hash(t): before.logprobs for t in texts} | {text_hash(cf.text): after.logprobs for cf in cfs}
    )
    unit = np.eye(1, 384, dtype=np.float32)[0]
    cache.put_embeddings(w.db, w.models.encoder().id, {text_hash(t): unit for t in [*texts, *(cf.text for cf in cfs)]})
    return w, pid


def open_page(page, url: str, name: str, pid: str, who: str) -> None:
    page.goto(f"{url}/{name}?project={pid}&by={who}")
    page.get_by_role("heading", level=1).first.wait_for()


def on_screen(page) -> str:
    """Which text the card shows, by the address."""
    return page.wait_for_function("new URL(location).searchParams.get('item')").json_value()


def press(page, name) -> None:
    studio.click(page.get_by_role("button", name=name))


def test_two_browsers_on_one_queue_never_show_the_same_text_and_never_overwrite(project, tmp_path, browser):
    w, pid = project
    with app(tmp_path, free_port()) as url:
        ann, ben = tab(browser), tab(browser)
        open_page(ann, url, "curate", pid, "ann")
        ann.get_by_text("What changes").first.wait_for()
        open_page(ben, url, "curate", pid, "ben")
        ben.get_by_text("What changes").first.wait_for()
        for _ in range(3):
            for page in (ann, ben):
                studio.ready(page)  # the address names the text that is wanted, the card the one that was got
            seen = on_screen(ann), on_screen(ben)
            assert seen[0] != seen[1]
            for page in (ann, ben):
                was = on_screen(page)
                studio.ready(page)
                page.keyboard.press("a")
                page.wait_for_function(f"new URL(location).searchParams.get('item') !== '{was}'")
        ann.wait_for_timeout(500)
        log = [d for log in w.project(pid).pairs.snapshot().logs.values() for d in log]
        assert sorted(d.example_id for d in log) == [f"e{i}" for i in range(6)]
        assert {who: sum(d.annotator == who for d in log) for who in ("ann", "ben")} == {"ann": 3, "ben": 3}


def test_a_blind_second_opinion_is_settled_and_a_bulk_act_is_undone(project, tmp_path, browser):
    w, pid = project
    w.project(pid).curation.decide("c0", "accepted", "ann")
    w.project(pid).review.ask_opinions("rob", 1)
    with app(tmp_path, free_port()) as url:
        ben = tab(browser)
        open_page(ben, url, "review", pid, "ben")
        studio.click(ben.get_by_text("Second opinions", exact=True))
        ben.get_by_text("Decide as if you were the first").wait_for()
        assert "ann" not in ben.locator("section.stMain, [data-testid=stMain]").first.inner_text()
        press(ben, "Label is wrong")
        ben.get_by_text("The two opinions differ").wait_for()
        rob = tab(browser)
        open_page(rob, url, "review", pid, "rob")
        studio.click(rob.get_by_text("Second opinions", exact=True))
        rob.get_by_text("ann: Accepted").wait_for()
        rob.get_by_text("ben: Rejected").wait_for()
        press(rob, "Settle it as ben did")
        rob.get_by_text("Settled.").wait_for()
        assert w.project(pid).pairs.state().outcome["e0"].status == "rejected"
        studio.click(rob.get_by_text("All texts", exact=True))
        press(rob, re.compile("Accept the 6 shown"))
        press(rob, re.compile("Accept these 6"))
        rob.get_by_text("6 texts accepted").wait_for()
        assert sum(d.status == "accepted" for d in w.project(pid).pairs.state().outcome.values()) == 6
        press(rob, "Undo my last act")
        rob.get_by_text("Your last act was taken back").wait_for()
        assert {i: d.status for i, d in w.project(pid).pairs.state().outcome.items()} == {"e0": "rejected"}
        studio.click(rob.get_by_text("History", exact=True))
        press(rob, "Check: replay it from nothing")
        rob.get_by_text("they give exactly the present state").wait_for()


def test_a_team_signs_in_and_the_name_cannot_be_chosen(project, tmp_path, browser):
    """A name in the address must not be believed where people sign in."""
    w, pid = project
    port = free_port()
    with FakeProvider() as provider:
        file = tmp_path / "secrets.toml"
        file.write_text(provider.secrets_toml(f"http://127.0.0.1:{port}"))
        team = {"COD_MEMBERS": "@team.example", "COD_OWNERS": "rob@team.example"}
        with app(tmp_path, port, "--secrets.files", str(file), **team) as url:
            page = tab(browser)
            page.goto(f"{url}/settings?project={pid}&by=rob@team.example")
            page.get_by_role("button", name="Sign in").wait_for()
            assert "Where things are kept" not in page.content()
            press(page, "Sign in")
            page.get_by_text("Make a few labelled texts count").wait_for()
            page.goto(f"{url}/settings?project={pid}&by=rob@team.example")
            page.get_by_text("Signed in as ann@team.example (curator)").wait_for()
            page.get_by_text("Deleting a project needs the role owner").wait_for()
            assert w.people.roles() == {"ann@team.example": "curator"}
            press(page, "Sign out")
            page.get_by_role("button", name="Sign in").wait_for()

            provider.person = {"sub": "2", "email": "rob@team.example", "email_verified": True}
            owner = tab(browser)
            owner.goto(url)
            press(owner, "Sign in")
            owner.get_by_text("Make a few labelled texts count").wait_for()
            owner.goto(f"{url}/settings?project={pid}")
            owner.get_by_text("Signed in as rob@team.example (owner)").wait_for()

            provider.person = {"sub": "3", "email": "eve@elsewhere.example", "email_verified": True}
            stranger = tab(browser)
            stranger.goto(url)
            press(stranger, "Sign in")
            stranger.get_by_text("is not on the list of this team").wait_for()
            assert "Sample" not in stranger.content()


def test_a_person_removed_while_her_card_is_open_is_shown_out_and_a_copied_cookie_is_dead_after_signing_out(project, tmp_path, browser):
    """Her decision was stored and she was a curator again; a cookie was good for 30 days whoever had signed out."""
    w, pid = project
    port = free_port()
    with FakeProvider() as provider:
        file = tmp_path / "secrets.toml"
        file.write_text(provider.secrets_toml(f"http://127.0.0.1:{port}"))
        team = {"COD_MEMBERS": "@team.example", "COD_OWNERS": "rob@team.example"}
        with app(tmp_path, port, "--secrets.files", str(file), **team) as url:
            ann = tab(browser)
            ann.goto(url)
            press(ann, "Sign in")
            ann.get_by_text("Make a few labelled texts count").wait_for()
            ann.goto(f"{url}/curate?project={pid}")
            ann.get_by_text("What changes").first.wait_for()
            studio.ready(ann)
            w.people.remove("ann@team.example")
            ann.keyboard.press("a")
            ann.get_by_text("is not on the list of this team").first.wait_for()
            assert not w.project(pid).pairs.snapshot().logs and w.people.roles() == {}
            ann.goto(f"{url}/curate?project={pid}")
            ann.get_by_text("is not on the list of this team").first.wait_for()

            w.people.set_role("ann@team.example", "curator", "rob@team.example")
            ann.goto(f"{url}/settings?project={pid}")
            ann.get_by_text("Signed in as ann@team.example (curator)").wait_for()
            copied = browser.new_context(storage_state=ann.context.storage_state()).new_page()
            press(ann, "Sign out")
            ann.get_by_role("button", name="Sign in").wait_for()
            copied.goto(f"{url}/settings?project={pid}")
            copied.get_by_text("You have signed out. Sign in again.").wait_for()
            press(ann, "Sign in")
            ann.get_by_text("Make a few labelled texts count").wait_for()
