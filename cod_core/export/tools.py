"""Rows in the shapes that labelling tools import, and what a person does there: Label Studio, doccano, Prodigy, Argilla.

Each shape is one that the tool documents for import, and one that data/shapes reads back. Pairs stay joined by `pair_id`. Knows no
file and no project.
"""

import json
import uuid
from collections.abc import Sequence
from typing import Any
from xml.sax.saxutils import quoteattr

from cod_core.export.rows import Row

_PEOPLE = uuid.UUID("6f0c7a52-4d0b-5b0e-9d8f-0c0d5a0d0e0f")  # the namespace of people's ids in Argilla's records
SHOWN = ("pair_id", "role", "split", "flips")
"""What of a row the tools show beside its text."""


def label_studio_task(row: Row, number: int) -> dict[str, Any]:
    """A task whose annotation is the person's label and whose prediction is the teacher's class. number: of the task, from 1.

    https://labelstud.io/guide/tasks, https://labelstud.io/guide/predictions
    """
    task: dict[str, Any] = {
        "id": number,
        "data": row.about() | {"text": row.text},
        "annotations": [{"id": number, "result": [_choice(row.label)], "was_cancelled": False, "ground_truth": False}],
    }
    if row.predicted:
        task["predictions"] = [{"model_version": row.teacher, "score": row.score, "result": [_choice(row.predicted)]}]
    return task


def _choice(label: str) -> dict[str, Any]:
    return {"from_name": "label", "to_name": "text", "type": "choices", "value": {"choices": [label]}}


def label_studio_interface(labels: Sequence[str]) -> str:
    """The labelling interface that the tasks belong to."""
    choices = "".join(f"\n    <Choice value={quoteattr(label)}/>" for label in labels)
    return (
        '<View>\n  <Text name="text" value="$text"/>\n  <Choices name="label" toName="text" choice="single" required="true">'
        f"{choices}\n  </Choices>\n</View>"
    )


def doccano_line(row: Row) -> dict[str, Any]:
    """https://doccano.github.io/doccano/tutorial: a list of labels beside a text; other fields become its metadata."""
    return row.about() | {"text": row.text, "label": [row.label]}


def prodigy_task(row: Row, labels: Sequence[str]) -> dict[str, Any]:
    """An accepted choice among exclusive options: https://prodi.gy/docs/api-interfaces#choice."""
    return {
        "text": row.text,
        "options": [{"id": label, "text": label} for label in labels],
        "accept": [row.label],
        "answer": "accept",
        "config": {"choice_style": "single"},
        "meta": row.about(),
    }


def argilla_record(row: Row) -> dict[str, Any]:
    """A record as `dataset.records.to_json` of Argilla 2 writes it: the person's label as a response, the teacher's as a suggestion."""
    record: dict[str, Any] = {
        "id": row.id,
        "fields": {"text": row.text},
        "metadata": {key: value for key, value in row.about().items() if key != "id"},
        "suggestions": {},
        "responses": {"label": [{"value": row.label, "user_id": str(uuid.uuid5(_PEOPLE, row.annotator)), "status": "submitted"}]},
        "vectors": {},
    }
    if row.predicted:
        record["suggestions"] = {"label": {"value": row.predicted, "score": row.score, "agent": row.teacher}}
    return record


def argilla_settings(labels: Sequence[str], descriptions: Sequence[str], guideline: str) -> dict[str, Any]:
    """The settings of the data set folder: one text, one question with the labels, what is shown of a row."""
    told = descriptions if len(descriptions) == len(labels) else [""] * len(labels)
    options = [{"value": label, "text": label, "description": words or None} for label, words in zip(labels, told)]
    return {
        "guidelines": guideline or None,
        "questions": [
            {
                "name": "label",
                "title": "Label",
                "description": None,
                "required": True,
                "settings": {"type": "label_selection", "options": options, "visible_options": None},
            }
        ],
        "fields": [{"name": "text", "title": "Text", "required": True, "settings": {"type": "text", "use_markdown": False}}],
        "vectors": [],
        "metadata": [
            {
                "name": name,
                "title": name,
                "visible_for_annotators": True,
                "settings": {"type": "terms", "values": None, "visible_for_annotators": True},
            }
            for name in SHOWN
        ],
        "allow_extra_metadata": True,
        "distribution": {"strategy": "overlap", "min_submitted": 1},
        "mapping": None,
    }


def argilla_loader(labels: Sequence[str]) -> str:
    """Python that brings the folder to a server. The labels become responses of whoever runs it: a server knows no other people."""
    return f"""import json
import argilla as rg

client = rg.Argilla(api_url="https://YOUR-SERVER", api_key="YOUR-KEY")
settings = rg.Settings.from_json(".argilla/settings.json")
dataset = rg.Dataset("counterfactuals", settings=settings, client=client).create()
records = []
for row in json.load(open("records.json")):
    for response in row["responses"]["label"]:
        response["user_id"] = client.me.id
    records.append(rg.Record.from_dict(row, dataset=dataset))
dataset.records.log(records)  # {len(labels)} labels, pairs joined by the metadata pair_id
"""


def as_line(value: Any) -> str:
    """A value as one line of JSON."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
