"""The bundle's README.md: a data set card that people read and `datasets.load_dataset` obeys.

Its YAML names every column's type, since a column that is null in one split otherwise breaks loading. Times are
named as such: declared as strings they would come back without their T and Z.
"""

import html
import json
import re
import types
import typing
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from cod_core.curation.agreement import spoken
from cod_core.export.record import MOMENT_PATTERN, Record

_DTYPES: dict[object, str] = {str: "string", int: "int64", float: "float64", bool: "bool"}


def features_yaml(model: type[BaseModel] = Record, indent: str = "  ") -> list[str]:
    """Lines of `dataset_info.features` for a record class: scalars, lists and nested records."""
    lines = []
    for name, info in model.model_fields.items():
        lines.append(f"{indent}- name: {name}")
        kind = _plain(info.annotation)
        if info.metadata and any(getattr(part, "pattern", None) == MOMENT_PATTERN for part in info.metadata):
            lines.append(f"{indent}  dtype: timestamp[s, tz=UTC]")
            continue
        inner = _plain(typing.get_args(kind)[0]) if typing.get_origin(kind) is list else None
        if inner is not None and not _is_model(inner):
            lines.append(f"{indent}  sequence: {_DTYPES[inner]}")
        elif inner is not None:
            lines += [f"{indent}  list:", *features_yaml(inner, indent + "  ")]
        elif _is_model(kind):
            lines += [f"{indent}  struct:", *features_yaml(kind, indent + "  ")]
        else:
            lines.append(f"{indent}  dtype: {_DTYPES[kind]}")
    return lines


def _plain(annotation: object) -> object:
    """The type without Annotated, Optional and Literal."""
    if typing.get_origin(annotation) is typing.Annotated:
        return _plain(typing.get_args(annotation)[0])
    if typing.get_origin(annotation) is typing.Literal:
        return str
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        return _plain(next(a for a in typing.get_args(annotation) if a is not type(None)))
    return annotation


def _is_model(kind: object) -> typing.TypeGuard[type[BaseModel]]:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def card(manifest: dict[str, Any], splits: Sequence[str]) -> str:
    """README.md of a bundle. splits: those that hold rows. Names from the project are escaped."""
    project, counts = manifest["project"], manifest["counts"]
    name = escaped(project["name"])
    head = [
        "---",
        f"pretty_name: {json.dumps(one_line(project['name']), ensure_ascii=False)}",
        "task_categories:",
        "- text-classification",
        "tags:",
        "- counterfactual",
    ]
    about = manifest.get("about") or {}
    if about.get("license"):
        head.append(f"license: {json.dumps(one_line(about['license']))}")
    if about.get("languages"):
        head += ["language:", *(f"- {json.dumps(one_line(code))}" for code in about["languages"])]
    if splits:
        head += ["configs:", "- config_name: default", "  data_files:"]
        for split in splits:
            head += [f"  - split: {split}", f"    path: data/{split}.jsonl"]
    head += ["dataset_info:", "  features:", *features_yaml(), "---", ""]
    teachers = ", ".join(f"{escaped(t['id'])} (revision {escaped(t['revision'])})" for t in manifest["teachers"]) or "none"
    rows = ", ".join(f"{split} {counts['by_split'].get(split, 0)}" for split in ("train", "validation", "test"))
    body = f"""# {name}: counterfactual pairs
{_about(about)}
{counts["exported"]} pairs of a text and its counterfactual: the text changed as little as makes it say something else.
Each was checked by a teacher model on the exact text and decided by a person.

- Question: {escaped(project["task"]["name"])}
- Labels: {_labels(project["task"])}
- Rows: {rows}. Divide by `pair_id`, never by row.
- Teacher: {teachers}
{_answered(manifest.get("answers"))}- Decisions: {", ".join(f"{status} {n}" for status, n in sorted(counts["by_status"].items())) or "none"}
- Second opinions: {spoken(manifest.get("second_opinions") or {})}
- Tokens of edit distances: {manifest["tokenizer"]}. Exported {manifest["created_at"]}.

```python
from datasets import load_dataset
pairs = load_dataset("path/to/this/folder")
```

| file | what |
|---|---|
| data/*.jsonl | accepted and edited pairs, one record a line ({manifest["schema_version"]}, schema.json) |
| train_long.jsonl | one text a row for a trainer: text, label, pair_id, is_counterfactual, weight |
| cad_paired.tsv | two rows a pair joined by batch_id, with whether the pair flips the teacher; apostrophes as in pairs.csv |
| pairs.csv | for a spreadsheet; an apostrophe before = + - @ keeps a cell from being run as a formula, and is not of the text |
| rejected.jsonl | rejected pairs, only where they were asked for |
| audit.jsonl | every decision in order |
| restore.jsonl | what the app needs besides to import this bundle back |
| manifest.json | counts, sha256 of each file, teacher, prompts, versions, filters |

A pair with an `override_reason` does not flip the teacher to its label: a person kept it all the same. It is no counterfactual to
train on, and train_long.jsonl leaves it out.
"""
    return "\n".join(head) + body


def _labels(task: Mapping[str, Any]) -> str:
    """The labels in a line; below it what each means, where that was written."""
    meant = task.get("descriptions") or ()
    told = "".join(f"\n  - {escaped(label)}: {escaped(means)}" for label, means in zip(task["labels"], meant) if means)
    return ", ".join(map(escaped, task["labels"])) + told


def _answered(answers: dict[str, Any] | None) -> str:
    """What the labels are of, where the teacher is a model that answers and a judge of its answers."""
    if not answers:
        return ""
    how = "the likeliest words" if answers["samples"] == 1 else f"{answers['samples']} answers drawn"
    return (
        f"- The texts are prompts, and the labels are of the answers to them: {escaped(answers['model'])} (revision "
        f"{escaped(answers['model_revision'])}) answers, at most {answers['max_tokens']} tokens, {how} at temperature "
        f"{answers['temperature']}; {escaped(answers['judge'])} (revision {escaped(answers['judge_revision'])}) judges.\n"
    )


def _about(about: dict[str, Any]) -> str:
    """What the person wrote about the set: paragraphs and lines of plain characters."""
    parts = ["", *(escaped(p) for p in str(about.get("description") or "").splitlines() if p.strip())]
    for field, words in (("authors", "Made by"), ("license", "Licence"), ("citation", "Please cite")):
        if about.get(field):
            parts.append(f"{words}: {escaped(about[field])}")
    return "\n\n".join(parts) + ("\n" if len(parts) > 1 else "")


def one_line(text: object) -> str:
    """What str() makes of a value as one line of at most 200 characters."""
    return " ".join(str(text).split())[:200]


def escaped(text: object) -> str:
    """A name, or what str() makes of a value, as plain characters in Markdown and HTML: no link, picture or tag."""
    return re.sub(r"([\\`*_{}\[\]()#!|~])", r"\\\1", html.escape(one_line(text), quote=False))
