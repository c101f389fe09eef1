"""The main job in real Chromium: from a CSV of real sentences to a bundle that `datasets` loads.

Real text: SST-2 sentences from COD_DATA; the test file comes from its development split, since the movies teacher
has seen reviews that SST-2's test split holds.
"""

import csv
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
import zipfile
from pathlib import Path

import pytest
import studio

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("COD_DATA", "nowhere")) / "sst2"
SEEN, TEACHER = "Movie reviews: negative, positive", "Product reviews: negative, positive"
pytestmark = [
    pytest.mark.e2e,
    pytest.mark.slow,
    pytest.mark.skipif(not DATA.is_dir(), reason="needs real sentences: set COD_DATA to the folder that holds sst2/"),
]


def rows(name: str, each: int) -> list[tuple[str, str]]:
    """`each` sentences of either label, of six words or more, in the file's order."""
    found: dict[str, list[tuple[str, str]]] = {"0": [], "1": []}
    with open(DATA / f"{name}.tsv", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            if 6 <= len(row["sentence"].split()) <= 22 and len(found[row["label"]]) < each:
                found[row["label"]].append((row["sentence"], row["label"]))
    return [pair for both in zip(found["0"], found["1"]) for pair in both]


def write_csv(path: Path, found: list[tuple[str, str]]) -> Path:
    with open(path, "w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("sentence", "label"), *found])
    return path


@pytest.fixture
def address(tmp_path):
    """The app as a process of its own on a free port with an empty data folder."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = open(tmp_path / "app.log", "w")
    process = subprocess.Popen(
        [sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless", "true", "--server.port", str(port)],
        cwd=ROOT,
        env={**os.environ, "COD_HOME": str(tmp_path / "home"), "COD_NAME": "ada"},
        stdout=log,
        stderr=subprocess.STDOUT,
    )
    url = f"http://127.0.0.1:{port}"
    for _ in range(120):
        try:
            urllib.request.urlopen(f"{url}/_stcore/health", timeout=1)
            break
        except OSError:
            time.sleep(0.5)
    yield url
    process.terminate()
    process.wait(20)
    log.close()
    print((tmp_path / "app.log").read_text()[-2000:])


@pytest.fixture
def page():
    """A tab of a real browser."""
    from playwright.sync_api import sync_playwright

    binary = shutil.which("chromium") or "/usr/bin/chromium"
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=binary, args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"])
        tab = browser.new_page(viewport={"width": 1400, "height": 1000}, accept_downloads=True)
        tab.set_default_timeout(60_000)
        yield tab
        browser.close()


def press(page, name: str) -> None:
    """Click a button as a hand does."""
    studio.click(page.get_by_role("button", name=name))


def says(page, text: str, seconds: float = 60) -> None:
    """Wait until the page says so; what it says instead is in the error."""
    from playwright.sync_api import TimeoutError

    try:
        page.get_by_text(text).first.wait_for(timeout=seconds * 1000)
    except TimeoutError as error:
        told = page.locator("[data-testid=stApp]").inner_text()[:2000]
        raise AssertionError(f"{text!r} not said within {seconds} s at {page.url}; the page says: {told}") from error


def settle(page) -> None:
    """Wait until the script has stopped running."""
    page.wait_for_timeout(300)
    page.wait_for_function("!document.querySelector('[data-testid=stApp][data-test-script-state=running]')")


PLACES = """name => {
    const places = window.places = [];
    const look = () => {
        const button = [...document.querySelectorAll('button')].find(b => b.innerText.includes(name));
        const title = document.querySelector('h1');
        if (button && title) places.push(Math.round(button.getBoundingClientRect().top - title.getBoundingClientRect().top));
        if (places === window.places) requestAnimationFrame(look);
    };
    look();
}"""


def upload(page, path: Path, expected: str) -> None:
    """The button that adds the file stays where it first appeared, so that no press can miss it."""
    page.evaluate(PLACES, "Add these texts")
    page.locator("input[type=file]").first.set_input_files(str(path))
    page.get_by_text("These are the first 5.").wait_for()
    page.locator("[data-testid=stDataFrame] canvas").first.wait_for()
    page.wait_for_timeout(300)
    places = page.evaluate("places")
    assert places and len(set(places)) == 1, sorted(set(places))
    press(page, "Add these texts")
    says(page, expected)


def card(page) -> str:
    """The text on the card, by the address."""
    return page.evaluate("new URL(location).searchParams.get('item') || ''")


def key(page, letter: str) -> None:
    """Press a key on a card that is there and wait for the next one."""
    before = card(page)
    studio.ready(page)
    page.keyboard.press(letter)
    page.wait_for_function("before => !location.href.includes('item=' + before)", arg=before)
    settle(page)


def reject(page, reason: str) -> None:
    """X, then the number of the reason."""
    studio.ready(page)
    page.keyboard.press("x")
    page.locator(".st-key-reason-none button").wait_for()
    page.wait_for_timeout(60)
    key(page, reason)


def begin(page, address, tmp_path) -> None:
    """A project of one's own, 24 labelled texts with one bad row, 120 test texts."""
    page.goto(address)
    page.get_by_role("button", name="Try the sample project").wait_for()
    studio.click(page.get_by_text("No file yet? Name the labels first"))
    page.get_by_label("Name of the project").fill("Film sentences")
    page.get_by_label("What do you want to know").fill("Does the writer like the film?")
    page.get_by_label("Possible answers").fill("negative\npositive")
    press(page, "Create the project")
    says(page, "No texts yet")
    upload(page, write_csv(tmp_path / "mine.csv", [*rows("train", 12), ("", "1")]), "24 texts added")
    says(page, "The text is empty.")
    settle(page)
    upload(page, write_csv(tmp_path / "test.csv", rows("dev", 60)), "120 texts added")


def propose(page) -> None:
    """A built-in teacher that has not seen the test texts in training, then the search for eight texts."""
    press(page, "Go on to Teacher")
    for teacher, answer in ((SEEN, "told by their letters"), (TEACHER, "of your labelled texts")):
        says(page, "Which texts are most like yours?")
        page.get_by_role("combobox", name="Which texts are most like yours?").click()
        page.get_by_role("option", name=teacher).click()
        press(page, "Use this teacher")
        says(page, answer, 120)
        settle(page)
    press(page, "Go on to Proposals")
    page.get_by_role("slider").focus()
    page.keyboard.press("Home")
    press(page, "Propose changes for 8 texts")
    page.get_by_role("button", name="Go on to Curate").wait_for(timeout=180_000)


def curate(page) -> None:
    """Edit one, reject one, undo, accept the rest that flip."""
    press(page, "Go on to Curate")
    says(page, "of 8 texts decided")
    settle(page)
    first = card(page)
    box = page.get_by_label("Proposal: change the wording if you like")
    box.fill(box.input_value().rstrip(" .") + " !")
    page.keyboard.press("Control+Enter")
    page.wait_for_function("before => !location.href.includes('item=' + before)", arg=first)
    says(page, "1 of 8 texts decided · 1 kept")
    settle(page)
    second = card(page)
    page.locator("h1").click()
    reject(page, "3")
    says(page, "2 of 8 texts decided · 1 kept")
    studio.ready(page)
    page.keyboard.press("u")
    page.wait_for_function("item => location.href.includes('item=' + item)", arg=second)
    says(page, "1 of 8 texts decided")
    settle(page)
    page.reload()
    says(page, "1 of 8 texts decided")
    assert card(page) == second, "a refresh must resume at the same text"
    for _ in range(7):
        studio.ready(page)
        settle(page)
        if page.get_by_text("It flips: the teacher now says").count():
            key(page, "a")
        else:
            reject(page, "8")
    says(page, "Every proposal is decided")


def distil(page) -> str:
    """One press, then the sentence."""
    press(page, "Go on to Distil")
    says(page, "accepted pairs")
    press(page, "Distil and compare")
    page.get_by_role("button", name="See the results").wait_for(timeout=240_000)
    press(page, "See the results")
    sentence = page.locator("#result-sentence, .cod-quote").first
    sentence.wait_for()
    page.locator(".js-plotly-plot").nth(1).wait_for()
    return sentence.inner_text()


def take_away(page, tmp_path) -> Path:
    """The bundle, unpacked."""
    press(page, "Go on to Export")
    says(page, "What is inside")
    settle(page)
    with page.expect_download() as waiting:
        press(page, "Download the data set")
    waiting.value.save_as(tmp_path / "bundle.zip")
    with zipfile.ZipFile(tmp_path / "bundle.zip") as archive:
        archive.extractall(tmp_path / "bundle")
    return tmp_path / "bundle"


def test_main_job_from_csv_to_bundle(address, page, tmp_path):
    """If any screen loses the thread, nobody gets from their texts to a result."""
    begin(page, address, tmp_path)
    propose(page)
    curate(page)
    sentence = distil(page)
    assert "counterfactuals" in sentence and "test texts" in sentence, sentence
    folder = take_away(page, tmp_path)
    from datasets import load_dataset

    found = load_dataset(str(folder), cache_dir=str(tmp_path / "cache"))
    kept = [row for split in found.values() for row in split]
    assert 4 <= len(kept) <= 8
    for row in kept:
        assert row["text"] != row["counterfactual_text"] and row["label"] != row["counterfactual_label"]
    statuses = [
        json.loads(line)["decision"]["status"]
        for path in sorted(folder.glob("data/*.jsonl"))
        for line in path.read_text(encoding="utf-8").splitlines()
    ]
    assert "edited" in statuses and set(statuses) <= {"accepted", "edited"}
    assert page.get_by_text("Traceback").count() == 0
