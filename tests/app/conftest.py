"""A small project in a fresh data folder, with every prediction already cached: the screens run without a model."""

import sys
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from cod_core.models.choice import BuiltinChoice
from cod_core.project.teacher.loader import identity
from cod_core.store import cache, items, projects
from cod_core.text import char_distance, edit_fraction, text_hash, token_distance
from cod_core.types import Counterfactual, Example, FlipCheck, Origin, Task, now

sys.path.insert(0, str(Path(__file__).parent))
from conftest_app import EDITED, EVIL, LABELS, PAIRS, ROOT, prediction  # noqa: E402


@pytest.fixture(autouse=True)
def navigated(monkeypatch):
    """AppTest forgets before every run that st.navigation has been called; a server does so only once, at its start."""
    from streamlit.runtime.pages_manager import PagesManager

    start = PagesManager.__init__

    def after_navigation(self, *given, **named):
        start(self, *given, **named)
        PagesManager.uses_pages_directory = False

    monkeypatch.setattr(PagesManager, "__init__", after_navigation)


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A fresh COD_HOME. The guard against hasty presses is off, since a test presses at once."""
    monkeypatch.setenv("COD_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("COD_DATABASE_URL", raising=False)
    monkeypatch.setenv("COD_NAME", "ada")
    monkeypatch.setenv("COD_PLAIN_EDITOR", "1")
    monkeypatch.setattr("ui.frame.state.GUARD_SECONDS", 0.0)
    return tmp_path / "home"


@pytest.fixture
def workspace(home):
    """The Workspace that the app itself will use for this folder."""
    from ui.frame import state

    return state.shared_workspace()


@pytest.fixture
def empty(workspace):
    """A project with labels and nothing else."""
    return workspace.create_project("Empty", Task("Good or bad?", LABELS))


@pytest.fixture
def filled(workspace):
    """A project with texts, a teacher, four checked proposals and cached predictions."""
    import numpy as np

    w = workspace
    pid = w.create_project(f"Films {EVIL}"[:110], Task("Good or bad?", LABELS))
    projects.set_teacher(w.db, pid, {"kind": "builtin", "name": "movies"})
    teacher_id, revision = identity(BuiltinChoice("movies"), LABELS)
    known, made, checks = {EDITED: 0.07}, [], []
    for i, (original, proposal, before, after) in enumerate(PAIRS):
        source, target = (LABELS[1], LABELS[0]) if before > 0.5 else LABELS
        example = Example(f"e{i}", original, source)
        items.add_examples(w.db, pid, [example])
        cf = Counterfactual(
            f"c{i}", example.id, proposal, source, target, Origin("search", "search", "1"), note="1 word replaced", created_at=now()
        )
        made.append(cf)
        checks.append(
            FlipCheck(
                cf.id,
                teacher_id,
                revision,
                prediction(before),
                prediction(after),
                target,
                token_distance(original, proposal),
                edit_fraction(original, proposal),
                char_distance(original, proposal),
                0.9,
                False,
                now(),
            )
        )
        known |= {original: before, proposal: after}
    extra = [Example(f"x{i}", f"Test film number {i}.", LABELS[i % 2], "test") for i in range(6)]
    items.add_examples(w.db, pid, extra)
    known |= {e.text: 0.9 if e.label == "positive" else 0.2 for e in extra}
    items.add_counterfactuals(w.db, pid, made)
    items.add_checks(w.db, pid, checks)
    cache.put_predictions(w.db, teacher_id, revision, {text_hash(t): prediction(p).logprobs for t, p in known.items()})
    unit = np.eye(1, 384, dtype=np.float32)[0]
    cache.put_embeddings(w.db, w.models.encoder().id, {text_hash(t): unit for t in known})
    return pid


@pytest.fixture
def screen():
    """A function (page, project, **query) -> AppTest after its first run."""

    def show(page: str, pid: str | None = None, **query: str) -> AppTest:
        test = AppTest.from_file(str(ROOT / "app.py"), default_timeout=30)
        for name, value in ({"project": pid} if pid else {}).items() | query.items():
            test.query_params[name] = value
        test.run()
        return test if page == "start" else test.switch_page(f"pages/{page}.py").run()

    return show
