"""Items for the export tests: values only, no store."""

import math
from types import SimpleNamespace

from cod_core.export.record import ExportItem
from cod_core.text import char_distance, edit_fraction, short_hash, token_distance
from cod_core.types import Counterfactual, Decision, Example, FlipCheck, Origin, Prediction, Task

LABELS = ("negative", "positive")
TEACHER = {"id": "builtin:movies", "revision": "abc", "sha256": None, "label_names": list(LABELS)}
PROJECT = SimpleNamespace(id="p1", name="Films", task=Task("What does the writer think?", LABELS, ("bad", "good"), 2))
WHEN = "2026-01-02T03:04:05Z"


def prediction(p, labels=LABELS):
    return Prediction(labels, (math.log(1 - p), math.log(p)))


def item(text="a splendid film", changed="a hideous film", status="accepted", split="train", before=0.91, after=0.07, **extra):
    """A pair whose original is positive. before, after: probability of positive; after=None: no check."""
    example = Example(short_hash(text), text, "positive", split, extra.pop("source_id", None), extra.pop("metadata", {}))
    origin = extra.pop("origin", Origin("search", "swap", "1", seed=0))
    cf = Counterfactual(
        short_hash(changed, "cf"),
        example.id,
        changed,
        "positive",
        "negative",
        origin,
        extra.pop("raw_reply", None),
        extra.pop("derived_from", None),
        extra.pop("note", ""),
        WHEN,
    )
    check = (
        None
        if after is None
        else FlipCheck(
            cf.id,
            TEACHER["id"],
            TEACHER["revision"],
            prediction(before),
            prediction(after),
            "negative",
            token_distance(text, changed),
            edit_fraction(text, changed),
            char_distance(text, changed),
            extra.pop("similarity", 0.83),
            extra.pop("truncated", False),
            WHEN,
        )
    )
    proposed = extra.pop("proposed_text", None)
    return ExportItem(
        example, cf, check, Decision(cf.id, example.id, status, "me", decided_at=WHEN, guideline_version=2, **extra), proposed, TEACHER
    )


ITEMS = [
    item(lead_time_s=4.25),
    item(
        "fine acting",
        "awful acting",
        "edited",
        "test",
        0.6123456789012345,
        1e-9,
        proposed_text="bad acting",
        comment="=1+1",
        source_id="doc7",
        metadata={"ward": "3"},
        note="fine -> awful",
        raw_reply='{"counterfactual": "bad acting"}',
        truncated=True,
        derived_from="f00",
        similarity=None,
        origin=Origin("llm", "gpt", "r", "cf", "2", "0" * 64, 0.7, 3, "req", 0.0001),
    ),
    item('a warm\nand "quoted", film', 'a cold\nand "quoted", film', split="validation", before=0.51, after=0.4999999),
    item("not flipped text", "still not flipped", after=0.8, override_reason="the teacher is wrong here"),
    item("a bad idea", "the worst idea", "rejected", reasons=("not_minimal", "other")),
    item("skipped one", "skipped two", "skipped"),
    item("no check", "not checked", after=None),
]


def a_pair(number, text, changed, labels, split):
    """A pair that flips from the first of any labels to the second; number: keeps ids apart."""
    before, after = (
        Prediction(labels, tuple(math.log(0.9 if i == at else 0.1 / (len(labels) - 1)) for i in range(len(labels)))) for at in (0, 1)
    )
    example = Example(short_hash(text, str(number)), text, labels[0], split)
    cf = Counterfactual(
        short_hash(changed, str(number), "cf"), example.id, changed, labels[0], labels[1], Origin("human", "me"), created_at=WHEN
    )
    size = token_distance(text, changed), edit_fraction(text, changed), char_distance(text, changed)
    check = FlipCheck(cf.id, "t", "r", before, after, labels[1], *size, None, False, WHEN)
    return ExportItem(
        example, cf, check, Decision(cf.id, example.id, "accepted", "me", decided_at=WHEN), None, {"label_names": list(labels)}
    )
