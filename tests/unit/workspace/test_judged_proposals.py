"""Judged proposals end to end: a real teacher, the real encoder, and the packaged language model that reads each before it is offered."""

import itertools

import pytest

from cod_core.counterfactuals.options import SearchOptions
from cod_core.counterfactuals.verify import READ
from cod_core.store import items, projects
from cod_core.text import folded
from cod_core.types import Example, Task
from cod_core.workspace import Workspace

pytestmark = pytest.mark.slow
LABELS = ("negative", "positive")
OPENS = (
    "Came on Monday.",
    "Ordered for my son.",
    "My second one.",
    "From the shop in town.",
    "A gift.",
    "Bought used.",
    "In black.",
    "For work.",
)
GOOD = ("The sound is great and clear.", "It works perfectly every time.", "I love how easy it is to use.", "Best phone I have ever had.")
BAD = ("The sound is awful and dull.", "It never works at all.", "I hate how hard it is to use.", "Worst phone I have ever had.")


@pytest.fixture
def phones(tmp_path, monkeypatch, converted):
    monkeypatch.setenv("COD_READ_PROPOSALS", "1")
    (tmp_path / "llm").symlink_to(converted[0])
    w = Workspace(tmp_path)
    pid = w.create_project("Phones", Task("What does the customer think?", LABELS))
    said = [(text, LABELS[0]) for text in BAD] + [(text, LABELS[1]) for text in GOOD]
    rows = [  # every second of all combinations: with the opening kept, each of the others is a text that nobody has yet
        Example(f"{i:02}", f"{opens} {text}", label)
        for i, (opens, (text, label)) in enumerate(itertools.product(OPENS, said))
        if (i // len(said) + i) % 2 == 0
    ]
    items.add_examples(w.db, pid, rows)
    projects.set_teacher(w.db, pid, {"kind": "builtin", "name": "amazon"})
    return w.project(pid)


def test_what_is_offered_was_read_and_is_made_of_ones_own_words(phones):
    """No run of the tests had loaded the reader: that it was installed, and read anything, was taken on trust."""
    texts = items.examples(phones.teacher.db, phones.id)[:10]
    report = phones.offers.run(texts, 2, options=SearchOptions(by="splices"))
    assert report.tried == 10 and not any("No language model" in message for message in report.messages)
    own = {folded(e.text) for e in items.examples(phones.teacher.db, phones.id)}
    checks, offered = phones.pairs.state().checks, items.counterfactuals(phones.teacher.db, phones.id)
    assert len({cf.example_id for cf in offered}) == report.flipped >= 3
    for cf in offered:
        assert checks[cf.id].valid and READ in cf.origin.revision.split() and folded(cf.text) not in own
        assert report.failures.keys().isdisjoint({cf.example_id})
    again = phones.offers.run(texts, 2, options=SearchOptions(by="splices"))
    assert again.tried == 0, "no text is tried twice with the same options"
