"""`import` and `projects`: texts into a project."""

import json
from pathlib import Path
from typing import Annotated

import typer

from cod_core.commands.shell import AsJson, Home, app, as_rows, open_workspace, progress_line, say
from cod_core.types import Task


@app.command("import")
def import_(path: Annotated[Path, typer.Argument(help="CSV, TSV, XLSX, JSONL or TXT file, an exported bundle (.zip), or hub:NAME "
                                                    "for sst2, cola, imdb, yelp, amazon_polarity, sentiment140.")],
            labels: Annotated[str, typer.Option(help="The project's labels, separated by commas (new project).")] = "",
            project: Annotated[str, typer.Option(help="Id of an existing project to add to.")] = "",
            name: Annotated[str, typer.Option(help="Name of a new project.")] = "",
            role: Annotated[str, typer.Option(help="What the rows are: labelled, test, unlabelled or pairs.")] = "labelled",
            text_column: Annotated[str, typer.Option(help="Column with the text, where it is not found.")] = "",
            label_column: Annotated[str, typer.Option(help="Column with the label, where it is not found.")] = "",
            keep: Annotated[str, typer.Option(help="Other columns to keep, separated by commas; none by default.")] = "",
            sentence: Annotated[str, typer.Option(help='Rows are columns: make the text by this template, such as '
                                                       '"The patient is {age} years old."')] = "",
            label_map: Annotated[str, typer.Option(help='JSON from the file\'s labels to the project\'s: {"0": "complaint"}.')] = "",
            split: Annotated[str, typer.Option(help="For hub: train, validation or test.")] = "train",
            limit: Annotated[int, typer.Option(help="For hub: at most so many rows.", min=1)] = 1000,
            as_json: AsJson = False, home: Home = None) -> None:
    """Read a file of texts into a project (a new one where --project is not given). Prints the project's id."""
    import hashlib
    from dataclasses import replace

    from cod_core.data.tables import guess_columns, read_table
    from cod_core.errors import BadInput

    if str(path).startswith("hub:"):
        return _from_hub(str(path)[4:], project, name, split, limit, as_json, home)
    if not path.is_file():
        raise BadInput(f"There is no file {path}. Check the name.")
    w, data = open_workspace(home), path.read_bytes()
    if path.suffix == ".zip" and role == "pairs":
        found = w.import_pairs_of_bundle(project, data, path.name)
        return say({**found, "project": project, "problems": as_rows(found["problems"])}, as_json,
                   f"{found['added']} counterfactuals added, {found['flipped']} flip the teacher, "
                   f"{len(found['problems'])} left out.")
    if path.suffix == ".zip":
        pid = w.import_bundle(project or None, data)
        return say({"project": pid}, as_json, f"Project {pid} restored from {path.name}.")
    table = read_table(path.name, data)
    if role == "pairs":
        found = w.import_counterfactuals(project, table, name=path.name)
        out = {**found, "project": project, "problems": as_rows(found["problems"])}
        return say(out, as_json, f"{found['added']} counterfactuals added, {found['flipped']} flip the teacher, "
                                  f"{len(found['problems'])} rows left out.")
    if not project:
        wanted = tuple(label.strip() for label in labels.split(",") if label.strip())
        project = w.create_project(name or path.stem, Task(name or path.stem, wanted))
    kept = [c for c in keep.split(",") if c]
    if sentence or w.template(project):
        table, text_column, named = w.rows_as_sentences(project, table, sentence or w.template(project))
        kept = list(dict.fromkeys([*kept, *named]))
    columns = guess_columns(table)
    chosen = {k: v for k, v in (("text", text_column), ("label", label_column)) if v}
    columns = replace(columns, **chosen)
    found = w.import_table(project, table, columns, role, _map(label_map), kept,
                           hashlib.sha256(data).hexdigest(), path.name)
    out = {"project": project, "added": len(found.examples), "problems": as_rows(found.problems), "note": found.note}
    listed = "".join(f"\n  row {p.row}: {p.message}" for p in found.problems[:20])
    say(out, as_json, f"Project {project}: {len(found.examples)} texts, {len(found.problems)} rows left out. {found.note}{listed}")


def _map(label_map: str) -> dict[str, str] | None:
    from cod_core.errors import BadInput

    try:
        found = json.loads(label_map) if label_map else None
    except json.JSONDecodeError as error:
        raise BadInput(f'--label-map is not JSON ({error}). Write it like {{"0": "complaint", "1": "praise"}}.') from error
    if found is not None and not isinstance(found, dict):
        raise BadInput('--label-map must be an object such as {"0": "complaint", "1": "praise"}.')
    return found


def _from_hub(hub_set: str, project: str, name: str, split: str, limit: int, as_json: bool, home: str | None) -> None:
    from cod_core.data.hub import hub_set as named

    w, spec = open_workspace(home), named(hub_set)
    if not project:
        project = w.create_project(name or spec.title, spec.task)
    added = w.import_hub(project, spec.name, split, limit, progress_line(as_json))
    say({"project": project, "added": added}, as_json, f"Project {project}: {added} texts of {spec.title}.")


@app.command()
def projects(as_json: AsJson = False, home: Home = None) -> None:
    """List the projects with their ids."""
    found = [{"id": p.id, "name": p.name, "labels": list(p.task.labels)} for p in open_workspace(home).projects()]
    say(found, as_json, "\n".join(f"{p['id']}  {p['name']}  ({', '.join(p['labels'])})" for p in found) or "No projects yet.")
