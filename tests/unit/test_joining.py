"""What people who join are told is true: paths, commands, the hooks, the README's two commands."""

import re
from pathlib import Path

import pytest
import yaml

from cod_core.__main__ import app
from tests.unit.test_documents import CHANGES

ROOT = Path(__file__).parents[2]
PAGES = ("CONTRIBUTING.md", "SECURITY.md", "README.md", "docs/index.md", "docs/tutorial.md", "docs/explanation.md", "docs/deploy.md")
TOLD = [*(ROOT / name for name in PAGES), *sorted((ROOT / "docs/howto").glob("*.md"))]
COMMANDS = {command.name or command.callback.__name__.replace("_", "-") for command in app.registered_commands}


@pytest.mark.parametrize("page", TOLD, ids=lambda path: path.name)
def test_every_path_that_is_named_exists(page):
    named = re.findall(r"(?:cod_core|tests|docs|pages|ui|benchmarks|deploy)/[\w./-]*\w(?:/|\b)", page.read_text(encoding="utf-8"))
    assert not [path for path in named if not (ROOT / path).exists()]


@pytest.mark.parametrize("page", TOLD, ids=lambda path: path.name)
def test_every_command_that_is_named_exists(page):
    text = page.read_text(encoding="utf-8")
    named = re.findall(r"(?:^ {4,}|`|&& )(?:cod|python -m cod_core) ([a-z][a-z-]*)", text, re.MULTILINE)
    assert not [command for command in named if command not in COMMANDS]


def test_each_of_the_changes_is_spoken_of():
    listed = re.findall(r"^\d\. \*\*(.+?)\.\*\*", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert len(listed) == len(CHANGES)


def test_the_hooks_run_what_the_tests_run():
    """A hook that checks less than the tests lets through what fails an hour later."""
    (repository,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"]
    entries = {hook["id"]: hook["entry"] for hook in repository["hooks"]}
    assert repository["repo"] == "local" and {"ruff format", "ruff check", "mypy"} <= set(entries.values())
    named = re.findall(r"tests/\S+", entries["house"])
    assert named and all((ROOT / path).is_file() for path in named)


def test_the_readme_keeps_two_commands_to_set_up():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(re.findall(r"^    python3 -m venv .*$", text, re.MULTILINE)) == 2
    assert "licence" in text, "whose choice the licence is stands there until it is chosen"


@pytest.mark.parametrize("form", sorted((ROOT / ".github/ISSUE_TEMPLATE").glob("[!c]*.yml")), ids=lambda path: path.name)
def test_the_forms_can_be_read(form):
    read = yaml.safe_load(form.read_text(encoding="utf-8"))
    assert read["name"] and read["description"] and all(field["type"] in ("textarea", "input") for field in read["body"])


def test_every_question_of_the_experiments_is_in_the_index_and_on_the_site():
    index, nav = ((ROOT / name).read_text(encoding="utf-8") for name in ("docs/experiments.md", "mkdocs.yml"))
    pages = sorted((ROOT / "docs/experiments").glob("*.md"))
    assert len(pages) >= 10
    assert not [page.name for page in pages if f"(experiments/{page.name})" not in index or f"experiments/{page.name}" not in nav]


def test_every_decision_stands_in_a_room_under_its_day():
    """A hundred sentences in one list were read by nobody. What is new waits at the end of the file."""
    *rooms, newest = re.split(r"^## ", (ROOT / "docs/decisions.md").read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    assert len(rooms) >= 8 and newest.startswith("Newest")
    assert not [room.splitlines()[0] for room in rooms if not re.match(r"[^\n]+\n\n### [^\n]+, \d{4}-\d\d-\d\d\n", room)]
