"""From an expert's own file to the student that she takes home, in real Chromium: three kinds of files, few presses, no dead end.

Models are real: a teacher trained in two rounds, the search, a linear student. Jobs are left to one worker, a thread of this
process, so that models load once for the three. Every press but a decision is counted, and every page that is visited.
COD_SHOTS=FOLDER keeps a picture of each step.
"""

import csv
import json
import os
import random
import threading
import zipfile
from pathlib import Path

import openpyxl
import pytest
import studio
from studio import click, settle

from cod_core.curation import state
from cod_core.jobs import service, worker
from cod_core.store import decisions
from cod_core.workspace import Workspace

DATA = Path(os.environ.get("COD_DATA", "nowhere"))
MOST_PRESSES = 25
WAY = ["Start", "Teacher", "Proposals", "Curate", "Distil", "Results", "Export"]
pytestmark = [
    pytest.mark.e2e,
    pytest.mark.slow,
    pytest.mark.skipif(not (DATA / "incidents").is_dir(), reason="needs real texts: set COD_DATA to the folder that holds incidents/"),
]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("three") / "home"


@pytest.fixture(scope="module")
def workspace(home):
    home.mkdir(mode=0o700)
    return Workspace(home)


@pytest.fixture(scope="module")
def app(home, workspace):
    """The app, which names nobody and leaves its jobs to a worker in this process."""
    stop = threading.Event()

    def work():
        while not stop.wait(0.1):
            if job := service.take(workspace.db):
                worker.main([job.id, "--home", str(home)], workspace)

    at_work = threading.Thread(target=work, daemon=True)
    at_work.start()
    made = studio.App(home, COD_JOBS="service", COD_NAME="").start()
    yield made
    made.stop()
    stop.set()
    at_work.join(30)
    assert not made.bugs(), made.bugs()


class Hand:
    """A person at the screen: presses, counted; pages, remembered; a picture of each page, where they are wanted."""

    def __init__(self, tab, name):
        self.tab, self.name, self.presses, self.pages = tab, name, 0, ["Start"]

    def press(self, name, lands=None):
        """Press a button; lands: the title of the page that it leads to."""
        self.presses += 1
        click(self.tab.get_by_role("button", name=name) if isinstance(name, str) else name)
        if lands:
            self.tab.get_by_role("heading", name=lands, exact=True).wait_for()
            settle(self.tab)
            self.see(lands)

    def see(self, page):
        self.pages.append(page)
        if folder := os.environ.get("COD_SHOTS"):
            self.tab.wait_for_timeout(300)
            self.tab.screenshot(path=Path(folder) / f"{self.name}-{len(self.pages):02}-{page.lower()}.png")

    def type(self, field, words):
        """Fill in a field and leave it: one press."""
        self.presses += 1
        field.fill(words)
        field.press("Tab")
        settle(self.tab)

    def wait(self, button, seconds=180):
        """Wait for what a job leads to."""
        self.tab.get_by_role("button", name=button).first.wait_for(timeout=1000 * seconds)
        settle(self.tab)


GONE_ON = "(new URLSearchParams(location.search).get('item') || '') !== before"
READY_OR_DONE = """() => {
    const box = document.querySelector('.cod-editor')?.cod, asked = new URLSearchParams(location.search).get('item');
    if (!asked) return document.querySelector('[data-testid=stMain]').innerText.includes('Every proposal is decided');
    return document.querySelector('[data-cod-original]') && box?.item?.startsWith(`${asked}/`) && performance.now() - box.since > 270;
}"""


def decide(hand, pid, workspace):
    """Accept what flips, reject the rest, until nothing is left; the first decision asks for a name."""
    tab = hand.tab
    for number in range(200):
        tab.wait_for_function(READY_OR_DONE, polling=30)
        if not studio.card(tab):
            return
        before = studio.card(tab)
        flips = tab.locator(".cod-badge.cod-ok").count() or tab.get_by_text("It flips: the teacher now says").count()
        tab.keyboard.press("a" if flips else "x")
        if not flips:
            tab.locator(".st-key-reason-none button").wait_for()
            tab.wait_for_timeout(60)
            tab.keyboard.press("x")
        if not number:
            tab.wait_for_function(f"before => document.querySelector('[role=dialog] input') || {GONE_ON}", arg=before)
        if not number and tab.get_by_role("dialog").get_by_label("Your name").count():  # in the first walk: the folder remembers it
            if folder := os.environ.get("COD_SHOTS"):
                tab.screenshot(path=Path(folder) / f"{hand.name}-name.png")
            hand.type(tab.get_by_role("dialog").get_by_label("Your name"), "Dr Grün")
            hand.press("Save and go on")
        tab.wait_for_function(f"before => {GONE_ON}", arg=before)
        settle(tab)


def walk(tab, app, workspace, path, name, texts, rounds, tmp_path):
    """The whole way; gives the unpacked student, the hand, the project."""
    hand, known = Hand(tab, name), {p.id for p in workspace.projects()}
    tab.set_viewport_size({"width": 1400, "height": 900})
    tab.goto(app.url)
    tab.get_by_text("Start with my own texts").wait_for()
    settle(tab)
    tab.locator("input[type=file]").first.set_input_files(str(path))
    hand.presses += 1
    tab.get_by_text("These are the first 5.").wait_for()
    hand.press("Create the project", "Teacher")
    [pid] = {p.id for p in workspace.projects()} - known
    hand.press(tab.get_by_text("More about the training"))
    hand.type(tab.get_by_label("Rounds over the texts"), str(rounds))
    hand.press("Train a teacher")
    hand.wait("Go on to Proposals")
    hand.press("Go on to Proposals", "Proposals")
    slider = tab.get_by_role("slider")
    slider.focus()
    for _ in range(texts):
        hand.presses += 1
        tab.keyboard.press("ArrowLeft")
    settle(tab)
    hand.press(tab.get_by_role("button", name="Propose changes for"))
    hand.wait("Go on to Curate")
    hand.press("Go on to Curate", "Curate")
    small_window(tab)
    decide(hand, pid, workspace)
    hand.press("Go on to Distil", "Distil")
    hand.press("Distil and compare")
    hand.wait("See the results")
    hand.press("See the results", "Results")
    tab.locator(".js-plotly-plot").nth(1).wait_for()
    assert ends(tab, "[data-testid=stButtonGroup]") <= 300, "the sentence and the tabs take a third of the screen at most"
    hand.press("Go on to Export", "Export")
    hand.press("Make your student")
    hand.wait("Download your student")
    with tab.expect_download() as coming:
        hand.press("Download your student")
    coming.value.save_as(tmp_path / "student.zip")
    with zipfile.ZipFile(tmp_path / "student.zip") as archive:
        archive.extractall(tmp_path / "student")
    return tmp_path / "student", hand, pid


def arrived(folder, hand, pid, workspace, labels):
    """What every journey must end with."""
    config = json.loads(next(folder.rglob("config.json")).read_text(encoding="utf-8"))
    assert sorted(config["labels"]) == sorted(labels) and next(folder.rglob("README.md")).read_text(encoding="utf-8")
    assert hand.presses <= MOST_PRESSES, hand.presses
    assert hand.pages == WAY, hand.pages
    log = decisions.log(workspace.db, pid)
    assert log and {d.annotator for d in log} == {"Dr Grün"}
    assert len(state.outcome(log)) >= 4


def ends(tab, place):
    """Where a thing on the screen ends, in pixels from the top."""
    box = tab.locator(place).first.bounding_box()
    return box["y"] + box["height"]


def small_window(tab):
    """At 900 by 700 the change, the text and the verdict stand above the decisions, in the first screenful."""
    tab.set_viewport_size({"width": 900, "height": 700})
    tab.wait_for_timeout(400)
    decisions_begin = tab.locator(".st-key-decisions").bounding_box()["y"]
    assert decisions_begin < 700
    for place in (".cod-text", "[data-cod-original]", ".cod-badge"):
        assert ends(tab, place) <= decisions_begin, place
    tab.set_viewport_size({"width": 1400, "height": 900})


def test_incident_notes_in_a_workbook_with_three_skewed_labels(app, workspace, tab, tmp_path):
    """The journey that once ended at a label nobody had pairs for."""
    with open(DATA / "incidents" / "incidents.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(list(rows[0]))
    for row in rows:
        sheet.append(list(row.values()))
    book.save(tmp_path / "ward notes.xlsx")
    folder, hand, pid = walk(tab, app, workspace, tmp_path / "ward notes.xlsx", "incidents", 1, 2, tmp_path)
    arrived(folder, hand, pid, workspace, ["Fall", "Medication", "No harm"])
    row = workspace.project(pid).row
    assert row.name == "Ward notes" and all("id" in e.metadata for e in workspace.project(pid).texts.examples("train"))


GERMAN = (
    ["Das Team", "Die Pflege", "Der Arzt", "Die Station", "Das Essen", "Die Aufnahme", "Der Termin"],
    ["war freundlich", "hat uns gut geholfen", "war ausgezeichnet", "war schnell"],
    ["war unfreundlich", "hat uns enttäuscht", "war furchtbar", "war langsam"],
    ["", " Danke.", " Das war am Montag."],
)
ENGLISH = (
    ["The team", "The nurse", "The doctor", "The ward", "The food", "Reception", "The appointment"],
    ["was friendly", "helped us well", "was excellent", "was quick"],
    ["was rude", "disappointed us", "was terrible", "was slow"],
    ["", " Thanks.", " That was on Monday."],
)


def test_comments_in_two_languages_in_a_table(app, workspace, tab, tmp_path):
    """A semicolon, a byte order mark and a German heading are no reason to ask."""
    rows = []
    for subjects, good, bad, ends in (GERMAN, ENGLISH):
        every = [
            (f"{s} {v}.{e}", label)
            for label, verbs in (("zufrieden", good), ("unzufrieden", bad))
            for s in subjects
            for v in verbs
            for e in ends
        ]
        rows += random.Random(0).sample(every, 60)
    with open(tmp_path / "kommentare.csv", "w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerow(["Fall-Nr", "Kommentar", "Bewertung"])
        writer.writerows([f"P{i:04}", text, label] for i, (text, label) in enumerate(rows))
    folder, hand, pid = walk(tab, app, workspace, tmp_path / "kommentare.csv", "comments", 1, 2, tmp_path)
    arrived(folder, hand, pid, workspace, ["zufrieden", "unzufrieden"])


def test_twelve_intents_in_json_lines(app, workspace, tab, tmp_path):
    """Twelve labels once needed defaults in closed boxes; the first proposals are enough for every one of them."""
    by_label: dict[str, list[str]] = {}
    with open(DATA / "clinc20" / "train.csv", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            by_label.setdefault(row["label"], []).append(row["text"])
    labels = sorted(by_label)[:12]
    rows = [{"text": text, "intent": label} for label in labels for text in by_label[label][:15]]
    random.Random(0).shuffle(rows)
    (tmp_path / "intents.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    folder, hand, pid = walk(tab, app, workspace, tmp_path / "intents.jsonl", "intents", 0, 2, tmp_path)
    arrived(folder, hand, pid, workspace, labels)
