"""What the tests of the screens share: texts, a prediction, what a page says."""

import math
from pathlib import Path

import numpy as np
from streamlit.testing.v1 import AppTest

from cod_core.models.choice import BuiltinChoice
from cod_core.project.teacher.loader import identity
from cod_core.store import cache, items, projects
from cod_core.text import text_hash
from cod_core.types import Example, Prediction, Task
from cod_core.workspace import Workspace

ROOT = Path(__file__).resolve().parents[2]
LABELS = ("negative", "positive")
EVIL = "![x](https://host.example/leak.png) <img src=x onerror=alert(1)> :red[hot] $x$"
PAIRS = [  # original, proposal, p(positive) before and after
    ("A splendid film.", "A hideous film.", 0.96, 0.05),
    ("The plot drags.", "The plot sparkles.", 0.08, 0.91),
    ("Dull and far too long.", "Long and far too long.", 0.03, 0.31),
    (f"A joy to watch. {EVIL}", f"A pain to watch. {EVIL}", 0.97, 0.11),
]
EDITED = "A truly hideous film."


def prediction(p: float) -> Prediction:
    """Two labels; p is the probability of positive."""
    return Prediction(LABELS, (math.log(1 - p), math.log(p)))


STANCES = ("against", "neutral", "for")
PLAN = "The plan is a disaster."


def says(label: str) -> Prediction:
    """A teacher of stances, sure of this one."""
    return Prediction(STANCES, tuple(math.log(0.9 if one == label else 0.05) for one in STANCES))


def plans_for(w: Workspace, said: dict[str, str]) -> tuple[str, tuple[str, str]]:
    """(id, its teacher) of a project with one text against and three for. said: text -> what the teacher is known to say of it."""
    pid = w.create_project("Plans", Task("For or against?", STANCES))
    projects.set_teacher(w.db, pid, {"kind": "builtin", "name": "news"})
    teacher = identity(BuiltinChoice("news"), STANCES)
    rows = [Example("p", PLAN, "against"), *(Example(f"f{i}", f"A welcome step for the city, number {i}.", "for") for i in range(3))]
    items.add_examples(w.db, pid, rows)
    cache.put_predictions(w.db, *teacher, {text_hash(text): says(label).logprobs for text, label in said.items()})
    unit = np.eye(1, 384, dtype=np.float32)[0]
    cache.put_embeddings(w.db, w.models.encoder().id, {text_hash(text): unit for text in said})
    return pid, teacher


def words(test: AppTest) -> str:
    """Everything that the app's own HTML and plain texts say."""
    return "\n".join([*(h.value for h in test.html if "<style" not in h.value), *(t.value for t in test.text)])
