"""Two hundred hostile strings in the fields of every page: no error of Python's, no markup of theirs, no address asked by the server.

Every turn fills all fields of a page; COD_HOSTILE=all takes the two hundred turns that put every string into each field.
"""

import ast
import os
import socket
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest_app import ROOT
from safetensors.numpy import save_file
from streamlit.delta_generator import DeltaGenerator

from cod_core.store import runs
from cod_core.types import RunConfig, RunResult
from tests.hostile import STRINGS, at, linked, worked

TURNS = range(0, len(STRINGS), 1 if os.environ.get("COD_HOSTILE") == "all" else 40)
TABLE = "id,text,remark,label\n1,A fine film.,x,positive\n2,A dull film.,y,negative\n3,A film.,z,positive\n"
TYPED = 480  # more strings than that are typed, which docs/security.md says
FIELDS = ("text_input", "text_area")
DOORS = {  # name -> (page, what is chosen first: a key, or its beginning or end, and a value; what is pressed with each turn)
    "curate, no name": ("curate", {"item": "e0", "show": "all", "skip": True}, ""),
    "distil": ("distill", {"technical-switch": True}, ""),
    "start, no file": ("start", {"own-box": True}, "Create the project"),
    "start, pasted": ("start", {"own-file-0-way": "paste"}, ""),
    "start, texts": ("start", {"own-file-0-way": "paste", "own-file-0-paste": "A fine film.\nA dull film."}, ""),
    "data, correct": ("data", {"in-": "paste"}, "Save"),
    "data, sentences": ("data", {"in-": "paste", "-paste": TABLE, "tabular": True}, ""),
    "teacher, hub": ("teacher", {"teacher-kind": "transformers"}, ""),
    "teacher, training": ("teacher", {"teacher-kind": "finetune"}, ""),
    "teacher, service": ("teacher", {"teacher-kind": "llm"}, ""),
    "teacher, answers": ("teacher", {"teacher-kind": "generative"}, ""),
    "proposals": ("proposals", {}, ""),
    "proposals, service": ("proposals", {"way": "llm"}, ""),
    "proposals, bring": ("proposals", {"way": "import", "in-": "paste"}, ""),
    "curate": ("curate", {"item": "e0", "show": "all"}, ""),
    "curate, no flip": ("curate", {"item": "e2", "show": "all"}, ""),
    "review": ("review", {}, ""),
    "review, guideline": ("review", {"review-section": "guideline"}, "Save as a new version"),
    "review, history": ("review", {"review-section": "history"}, ""),
    "export": ("export", {}, "Save the card"),
    "settings": ("settings", {}, "Save"),
    "data, describe": ("data", {"labels-act": "describe"}, "Save"),
    "data, rename": ("data", {}, "Rename"),
    "data, add": ("data", {"labels-act": "add"}, "Add"),
}
PARAMETERS = ("item", "find", "show", "sort", "label", "origin", "who", "reason", "differs", "lang", "tour")
NARROWS = ("Your name", "Find words", "Words in the text")  # fields after which others are gone: they are filled in turns of their own


def sites() -> set[str]:
    """Every place in pages/ and ui/ that draws a field, as file:line."""
    found = set()
    for path in (*(ROOT / "pages").glob("*.py"), *(ROOT / "ui").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in FIELDS:
                found.add(f"{path.relative_to(ROOT)}:{node.lineno}")
    return found


def fields(test, narrow: bool = False) -> list:
    """The fields of a page that somebody could type into: those that narrow what is shown, or the others."""
    shown = [f for f in (*test.text_input, *test.text_area) if not f.disabled]
    return [f for f in shown if (f.label.startswith(NARROWS) and f.key != "name-asked") is narrow]


@pytest.fixture
def full(filled, workspace, monkeypatch):
    """A project in which every page has all it can have: accepted pairs, a student, a corrected text; no name of the machine's."""
    w = workspace
    teacher = w.project(filled).teacher.classifier()
    config = RunConfig("kd", "cod", 8, 0, "linear", "all-MiniLM-L6-v2", teacher.id, teacher.revision, "d")
    head = {"weight": np.zeros((2, 384), np.float32), "bias": np.array([0.0, 2.0], np.float32)}
    save_file(head, w.settings.folder("students", filled) / f"{config.run_id}.safetensors")
    runs.put_runs(w.db, filled, [RunResult(config, {}, {"accuracy": 0.7, "agreement": 0.8}, 0.1, path=f"{config.run_id}.safetensors")])
    w.project(filled).curation.accept_unattended()
    monkeypatch.setattr("ui.data.browse._table", lambda texts: [0])  # a tick in a table, which AppTest cannot make
    return filled


@pytest.fixture
def watched(monkeypatch):
    """(bugs, places where a field was drawn, addresses asked) of everything that runs meanwhile."""
    bugs, met, asked = [], set(), []
    monkeypatch.setattr("ui.frame.errors.log_bug", lambda error: bugs.append(f"{type(error).__name__}: {str(error)[:200]}"))

    def reach(self, address):
        asked.append(str(address))
        raise ConnectionRefusedError("no address is reached in this test")

    monkeypatch.setattr(socket.socket, "connect", reach)
    for kind in FIELDS:
        drawn = getattr(DeltaGenerator, f"_{kind}")

        def noted(self, *given, drawn=drawn, **named):
            frame = sys._getframe()
            while frame and not str(frame.f_code.co_filename).startswith((f"{ROOT}/pages", f"{ROOT}/ui")):
                frame = frame.f_back
            if frame:
                met.add(f"{Path(frame.f_code.co_filename).relative_to(ROOT)}:{frame.f_lineno}")
            return drawn(self, *given, **named)

        monkeypatch.setattr(DeltaGenerator, f"_{kind}", noted)
    return bugs, met, asked


def choose(test, key: str, value):
    """Make one choice of a page, by the beginning or the end of its key."""
    if key == "own-box":
        test.session_state[key] = value
        return test.run()
    for kind in ("button_group", "toggle", "text_area"):
        for one in getattr(test, kind):
            if one.key and (one.key.startswith(key) or one.key.endswith(key)):
                return one.set_value(value).run()
    return next(b for b in test.button if b.key == key).click().run()


def wrong(test) -> list[str]:
    """What a page shows or holds that it must not, whatever was typed."""
    found = [f"exception: {e.message[:200]}" for e in test.exception]
    found += [m for h in test.html for m in worked(h.value)]
    for kind in ("markdown", "caption", "title", "header", "subheader", "error", "warning", "info", "success", "toast"):
        found += [m for e in getattr(test, kind) for m in linked(e.value)]
    labelled = (
        "button",
        "selectbox",
        "multiselect",
        "toggle",
        "checkbox",
        "radio",
        "text_input",
        "text_area",
        "expander",
        "tabs",
        "metric",
    )
    return found + [m for kind in labelled for e in getattr(test, kind) for m in linked(str(e.label))]


def opened(screen, pid, door: str):
    """A page with everything chosen that its door says."""
    page, chosen, _ = DOORS[door]
    query = {name: chosen[name] for name in ("item", "show") if name in chosen}
    test = screen(page, None if page == "start" else pid, **query)
    test.default_timeout = 120  # the first words that are typed load the teacher
    for key, value in chosen.items():
        if key not in query:
            choose(test, key, value)
    return test


def turned(test, first: int, turn: int, narrow: bool, press: str) -> list[str]:
    """Fill the fields of a page, press, and have it drawn; the strings. first: the number of its first field among all."""
    said = []
    for place, field in enumerate(fields(test, narrow), first):
        said.append(at(place, turn))
        field.set_value(said[-1])
    if button := next((b for b in test.button if press and b.label == press and not b.disabled), None):
        button.click()
    test.run()
    return said


def test_every_string_in_every_field(full, screen, watched, monkeypatch):
    bugs, met, asked = watched
    typed, found, number, narrowed = [], {}, 0, set()
    for door, (*_, press) in DOORS.items():
        with monkeypatch.context() as patched:
            if door == "curate, no name":
                patched.delenv("COD_NAME")
            test = opened(screen, full, door)
            new, most = {f.label for f in fields(test, True)} - narrowed, 0
            narrowed |= new
            for narrow in (False, True) if new else (False,):
                for turn in TURNS:
                    said = turned(test, number, turn, narrow, "" if narrow else press)
                    typed, most = typed + said, max(most, len(said))
                    if fault := wrong(test) + bugs:
                        found.setdefault(door, []).append((turn, fault[:3]))
                        bugs.clear()
        number += most
    print(f"{len(typed)} strings in {len(met)} fields")
    assert not found, found
    assert not sites() - met, f"no door leads to these fields: {sorted(sites() - met)}"
    assert not asked, asked
    assert set(typed) == set(STRINGS) and len(typed) > TYPED, len(typed)


def test_every_string_in_the_address(filled, screen, watched):
    """Prevents: an address that somebody was sent stops a page, or has it say something that it does not know."""
    bugs, _, asked = watched
    found, pages = [], ("curate", "data", "review", "settings", "proposals")
    for turn in range(0, len(STRINGS), len(PARAMETERS)):
        said = dict(zip(PARAMETERS, STRINGS[turn : turn + len(PARAMETERS)]))
        page = pages[turn // len(PARAMETERS) % len(pages)]
        test = screen(page, filled, **said)
        found += [(page, turn, fault) for fault in (*wrong(test), *bugs)]
        test.query_params["project"] = said["item"]
        found += [("project", turn, fault) for fault in (*wrong(test.run()), *bugs)]
        bugs.clear()
    assert not found and not asked, found
