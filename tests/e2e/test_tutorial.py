"""docs/tutorial.md, walked: each command is run as it stands there, each press is found on its page, and made where that is quick.

Smaller numbers stand in for what takes minutes (SMALLER), and what a press would leave to a job was done by the command before it;
that the jobs do the same is seen in test_journey.py. A press or a command that the tutorial names and this walk does not, or the other
way round, fails: neither can go stale alone.
"""

import csv
import re
import shlex
import time
import zipfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cod_core.workspace import Workspace
from tests.e2e import studio

ROOT = Path(__file__).resolve().parents[2]
TUTORIAL = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
STEPS = {title.strip(): body for title, body in re.findall(r"^## \d+\. (.+?)\n(.*?)(?=^## |\Z)", TUTORIAL, re.MULTILINE | re.DOTALL)}
SMALLER = {"finetune": "finetune --epochs 1", "--k 16": "--k 4", "distill PROJECT": "distill PROJECT --shots 4,8 --seeds 2"}
WHO = ("The delivery", "Your driver", "The invoice", "My order")
SAID = {
    "complaint": ("came two weeks late", "was rude and slow", "is wrong again", "arrived broken", "never answers me", "got lost"),
    "praise": (
        "came a day early",
        "was kind and quick",
        "is right and clear",
        "arrived in perfect shape",
        "answers me at once",
        "looks lovely",
    ),
}
pytestmark = [pytest.mark.e2e, pytest.mark.slow]


def commands(step: str) -> list[str]:
    return re.findall(r"^    cod (.+)$", STEPS[step], re.MULTILINE)


def presses(step: str) -> list[str]:
    return re.findall(r"\*\*(.+?)\*\*", STEPS[step])


def write(path: Path, tails: tuple[str, ...]) -> None:
    rows = [(f"{who} {said}{tail}.", label) for label, words in SAID.items() for said in words for who in WHO for tail in tails]
    with open(path, "w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("message", "kind"), *rows])


class Reader:
    """Somebody who does what the tutorial says, once; what is left over at the end was not walked."""

    def __init__(self, tab, app):
        self.tab, self.app, self.project, self.step = tab, app, "", ""
        self.left = {step: [*presses(step), *commands(step)] for step in STEPS}

    def run(self, **words: str) -> str:
        """The next command of the step; what it prints."""
        written = next(line for line in self.left[self.step] if line in commands(self.step))
        self.left[self.step].remove(written)
        line = written
        for there, smaller in SMALLER.items():
            line = line.replace(there, smaller)
        for name, value in {"PROJECT": self.project, **words}.items():
            line = re.sub(rf"\b{name}\b", value, line)
        from cod_core.__main__ import app as cod

        begun = time.monotonic()
        done = CliRunner().invoke(cod, [*shlex.split(line, comments=True), "--home", str(self.app.home)])
        print(f"{time.monotonic() - begun:.1f} s: cod {line}")
        assert done.exit_code in (0, 3), f"cod {line}: {done.output}{done.exception!r}"  # 3: not all that was asked for could be compared
        return done.output

    def found(self, name: str, press: bool = False, role: str = "button") -> None:
        """What the tutorial names in bold is on the page, and pressed where asked for."""
        self.left[self.step].remove(name)
        there = self.tab.get_by_role(role, name=name).first if role else self.tab.get_by_text(name, exact=True).first
        there.wait_for()
        if press:
            studio.click(there)

    def offered(self, name: str, file: str) -> None:
        """A button that is there once a job has ended, which none did here: the page's own source names it."""
        self.left[self.step].remove(name)
        assert f'"{name}"' in (ROOT / file).read_text(encoding="utf-8")

    def at(self, page: str) -> None:
        self.tab.goto(f"{self.app.url}/{page}?project={self.project}")
        self.tab.locator("h1").wait_for()
        studio.settle(self.tab)

    def says(self, words: str) -> None:
        self.tab.get_by_text(words).first.wait_for()


def test_the_tutorial_is_walked(app, tab, tmp_path, monkeypatch):
    """Prevents: the first thing that an outsider reads names a button or an option that is gone."""
    import cod_core.__main__  # noqa: F401  registers every command

    monkeypatch.chdir(tmp_path)
    write(Path("texts.csv"), ("",))
    write(Path("held-out.csv"), (", as my neighbour says",))
    reader = Reader(tab, app)
    bring, teacher, proposals, curate, distil, read, home = STEPS

    reader.step = bring
    tab.goto(app.url)
    reader.found("Start with my own texts", role="")
    studio.settle(tab)
    tab.locator("input[type=file]").first.set_input_files("texts.csv")
    reader.found("Create the project", press=True)
    reader.says("48 texts added")
    reader.project = re.search(r"project (\w+)", reader.run(), re.IGNORECASE)[1]
    reader.run()

    reader.step = teacher
    reader.at("data")
    reader.found("Go on to Teacher", press=True)
    reader.found("Train on my texts", press=True, role="")
    reader.found("Train a teacher")
    reader.run()
    reader.at("teacher")
    reader.says("of your labelled texts")

    reader.step = proposals
    reader.found("Go on to Proposals", press=True)
    reader.found("Propose changes")
    reader.run()

    reader.step = curate
    reader.at("proposals")
    reader.found("Go on to Curate", press=True)
    ids = re.findall(r"^    ([0-9a-f]{16})  flips", reader.run(), re.MULTILINE)
    assert len(ids) >= 2
    reader.run(ID=ids[0])
    reader.run(ID=ids[-1])
    reader.at("curate")
    reader.found("Reject")
    reader.found("Accept", press=True)
    reader.says("2 kept")

    reader.step = distil
    Workspace(app.home).project(reader.project).curation.accept_unattended()
    reader.at("curate")
    reader.found("Go on to Distil", press=True)
    reader.found("Distil and compare")
    reader.run()

    reader.step = read
    reader.offered("See the results", "pages/distill.py")
    reader.at("results")
    tab.locator("#result-sentence, .cod-quote").first.wait_for()
    reader.run()
    assert Path("results.html").stat().st_size > 10_000

    reader.step = home
    reader.found("Go on to Export", press=True)
    reader.found("Download the data set")
    reader.found("Make your student")
    said = [reader.run() for _ in commands(home)][-1]
    assert zipfile.ZipFile("set.zip").testzip() is None and zipfile.ZipFile("student.zip").testzip() is None
    assert "complaint" in said

    assert not {step: rest for step, rest in reader.left.items() if rest}, "named in the tutorial, and not walked here"
    assert app.bugs() == []
