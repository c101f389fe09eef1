"""What the browser tests of the Curate page share: the app as a process, tabs, projects made without a search."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from playwright.sync_api import Error as PlaywrightError

from cod_core.models.choice import read_choice
from cod_core.project.teacher.loader import identity
from cod_core.store import items, projects
from cod_core.text import char_distance, edit_fraction, token_distance
from cod_core.types import Counterfactual, Example, FlipCheck, Origin, Prediction, Task, now

ROOT = Path(__file__).resolve().parents[2]
LABELS = ("negative", "positive")
CHROMIUM = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


class App:
    """The app as a process of its own on a free port; start, stop and kill it as often as needed."""

    def __init__(self, home: Path, **environment: str):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.home, self.url, self._process = home, f"http://127.0.0.1:{self.port}", None
        self.environment = {"COD_NAME": "ada"} | environment

    def start(self) -> "App":
        self.home.parent.mkdir(parents=True, exist_ok=True)
        log = open(self.home.with_suffix(".log"), "ab")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless", "true", "--server.port", str(self.port)],
            cwd=ROOT,
            env={**os.environ, "COD_HOME": str(self.home), "OMP_NUM_THREADS": "1"} | self.environment,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        for _ in range(240):
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"{self.url}/_stcore/health", timeout=1)
                return self
            time.sleep(0.25)
        raise RuntimeError("the app did not start")

    def bugs(self) -> list[str]:
        """What the app logged as bugs of its own: the type of each error and its place."""
        lines = self.home.with_suffix(".log").read_text(errors="replace").splitlines()
        return [line for line in lines if "Error at " in line or line.startswith("Traceback")]

    def stop(self, how: int = signal.SIGTERM) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(30)
            self._process = None


@contextlib.contextmanager
def chromium():
    """A headless browser."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=shutil.which("chromium") or "/usr/bin/chromium", args=CHROMIUM)
        yield browser
        browser.close()


def prediction(p: float) -> Prediction:
    """Two labels; p is the probability of positive."""
    import math

    return Prediction(LABELS, (math.log(1 - p), math.log(p)))


def project(w, pairs, name="Films", labels=LABELS) -> str:
    """A project with the movies teacher and one checked proposal a pair (original, proposal): no model is asked."""
    pid = w.create_project(name, Task("Does the writer like the film?", labels))
    projects.set_teacher(w.db, pid, {"kind": "builtin", "name": "movies"})
    teacher = identity(read_choice(w.project(pid).row.teacher), labels)
    examples = [Example(f"{i:03d}", original, "negative") for i, (original, _) in enumerate(pairs)]
    items.add_examples(w.db, pid, examples)
    cfs = [
        Counterfactual(
            f"c{i:03d}",
            f"{i:03d}",
            changed,
            "negative",
            "positive",
            Origin("search", "search", "1"),
            note="replaced a word",
            created_at=now(),
        )
        for i, (_, changed) in enumerate(pairs)
    ]
    items.add_counterfactuals(w.db, pid, cfs)
    items.add_checks(
        w.db,
        pid,
        [
            FlipCheck(
                cf.id,
                *teacher,
                prediction(0.05),
                prediction(0.9),
                "positive",
                token_distance(original, cf.text),
                edit_fraction(original, cf.text),
                char_distance(original, cf.text),
                0.9,
                False,
                now(),
            )
            for (original, _), cf in zip(pairs, cfs)
        ],
    )
    return pid


def films(n: int) -> list[tuple[str, str]]:
    """n pairs that differ in one word."""
    return [(f"Film number {i} is a dull affair.", f"Film number {i} is a fine affair.") for i in range(n)]


def card(tab) -> str:
    """The text on the card, by the address."""
    return tab.evaluate("new URLSearchParams(location.search).get('item') || ''")


_SHOWN = "(document.querySelector('[data-cod-original]')?.innerText.match(/number (\\d+)/) || ['', ''])[1].padStart(3, '0')"


def shown(tab) -> str:
    """The text of films() whose card is drawn, '000' where none is."""
    return tab.evaluate(_SHOWN)


def next_shown(tab, before: str) -> str:
    """Wait until another card of films() is drawn; its text's id."""
    tab.wait_for_function(f"before => document.querySelector('[data-cod-original]') && {_SHOWN} !== before", arg=before)
    return shown(tab)


def settle(tab) -> None:
    """Wait until the script has stopped running."""
    tab.wait_for_timeout(60)
    tab.wait_for_function("!document.querySelector('[data-testid=stApp][data-test-script-state=running]')")


def click(locator, seconds: float = 60) -> None:
    """Press what a hand would: once the script is done and the thing has stood still for as long as a hand needs to get
    there, with a press that lasts, so that an edit that waits for the focus to leave is delivered first. A press on what
    still moves (an expander that opens, a table that loads) ends on something else and is no click."""
    locator = locator.first
    locator.wait_for(timeout=seconds * 1000)
    until = time.monotonic() + seconds
    while True:
        try:
            locator.scroll_into_view_if_needed()
            _stands_still(locator, until)
            break
        except PlaywrightError as error:  # a run drew the page anew while the hand was on its way
            if "not attached" not in str(error) or time.monotonic() > until:
                raise
    locator.click(delay=90)


def _stands_still(locator, until: float) -> None:
    """Wait until the script has ended and the thing has been in one place for a quarter of a second."""
    seen, since = None, time.monotonic()
    while time.monotonic() - since < 0.25 and time.monotonic() < until:
        running = locator.page.locator("[data-testid=stApp][data-test-script-state=running]").count()
        at = None if running or not locator.count() else locator.bounding_box()
        if at is None or at != seen:
            seen, since = at, time.monotonic()
        locator.page.wait_for_timeout(40)


def leave(tab, before: str) -> str:
    """Wait until another card is there; its text's id."""
    tab.wait_for_function("before => (new URLSearchParams(location.search).get('item') || '') !== before", arg=before, polling=20)
    return card(tab)


def ready(tab, words: str = "") -> None:
    """Wait until the card of the address is on the screen, with these words in its original and its proposal in the box,
    and as long as a hand needs."""
    tab.wait_for_function(
        """words => {
            const original = document.querySelector('[data-cod-original]')?.innerText;
            const box = document.querySelector('.cod-editor')?.cod;
            const asked = new URLSearchParams(location.search).get('item');
            return original?.includes(words) && box?.item?.startsWith(`${asked}/`) && performance.now() - box.since > 270;
        }""",
        arg=words,
        polling=20,
    )


def press(tab, key: str, done: str, arg: str = "") -> None:
    """Press a key once and wait until `done`, an expression of `arg`, holds."""
    tab.keyboard.press(key)
    tab.wait_for_function(f"arg => {done}", arg=arg, polling=20)


SAYS = "document.querySelector('[data-testid=stMain]').innerText.includes(arg)"
GONE = f"(document.querySelector('[data-cod-original]') && {_SHOWN} !== arg)"


def open_card(tab, app: App, pid: str, more: str = "") -> None:
    """The Curate page with a card on it."""
    tab.goto(f"{app.url}/curate?project={pid}{more}")
    tab.locator(".cod-editor textarea").wait_for(timeout=90_000)
    settle(tab)


def judged(tab, words: str, seconds: float = 90) -> None:
    """Wait until the verdict says so."""
    tab.locator(".cod-verdict", has_text=words).wait_for(timeout=seconds * 1000)
