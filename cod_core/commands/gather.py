"""`import` and `projects`: texts into a project."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cod_core.commands.shell import AsJson, Home, app, as_rows, json_map, open_workspace, progress_line, say, split
from cod_core.errors import BadInput
from cod_core.types import Task

if TYPE_CHECKING:
    from cod_core.project.proposals.proposals import ImportReport

ROLES = ("labelled", "test", "unlabelled", "pairs")
SHOWN = 20  # problem rows that are printed


@app.command("import")
def import_(
    path: Annotated[
        Path,
        typer.Argument(
            help="CSV, TSV, XLSX, JSONL or TXT file, an exported bundle (.zip), or hub:NAME "
            "for sst2, cola, imdb, yelp, amazon_polarity, sentiment140."
        ),
    ],
    labels: Annotated[str, typer.Option(help="The project's labels, separated by commas (new project).")] = "",
    project: Annotated[str, typer.Option(help="Id of an existing project to add to.")] = "",
    name: Annotated[str, typer.Option(help="Name of a new project.")] = "",
    role: Annotated[str, typer.Option(help="What the rows are: labelled, test, unlabelled or pairs.")] = "labelled",
    text_column: Annotated[str, typer.Option(help="Column with the text, where it is not found.")] = "",
    label_column: Annotated[str, typer.Option(help="Column with the label, where it is not found.")] = "",
    keep: Annotated[str, typer.Option(help="Other columns to keep, separated by commas; none by default.")] = "",
    sentence: Annotated[
        str, typer.Option(help='Rows are columns: make the text by this template, such as "The patient is {age} years old."')
    ] = "",
    label_map: Annotated[str, typer.Option(help='JSON from the file\'s labels to the project\'s: {"0": "complaint"}.')] = "",
    part: Annotated[str, typer.Option("--split", help="For hub: train, validation or test.")] = "train",
    limit: Annotated[int, typer.Option(help="For hub: at most so many rows.", min=1)] = 1000,
    as_json: AsJson = False,
    home: Home = None,
) -> None:
    """Read a file of texts into a project (a new one where --project is not given). Prints the project's id."""
    import hashlib
    from dataclasses import replace

    from cod_core.data.tables import guess_columns, read_table

    if role not in ROLES:
        raise typer.BadParameter(f"--role is one of {', '.join(ROLES)}, not {role!r}")
    if role == "pairs" and not project:
        raise typer.BadParameter("pairs are added to texts that are there already: name their project with --project ID")
    if str(path).startswith("hub:"):
        return _from_hub(str(path)[4:], project, name, part, limit, as_json, home)
    if not path.is_file():
        raise BadInput(f"There is no file {path}. Check the name.")
    w, data = open_workspace(home), _bytes_of(path)
    if path.suffix.lower() == ".zip" and role == "pairs":
        report = w.project(project).proposals.import_pairs_of_bundle(data, path.name)
        return say(
            _imported(report, project),
            as_json,
            f"{report.added} counterfactuals added, {report.flipped} flip the teacher, "
            f"{len(report.problems)} left out.{_listed(report.problems)}",
        )
    if path.suffix.lower() == ".zip":
        pid, left = (project, w.project(project).bundles.open(data)) if project else w.open_bundle(data)
        return say(
            {"project": pid, "problems": as_rows(left)},
            as_json,
            f"Project {pid} restored from {path.name}, {len(left)} texts left out.{_listed(left)}",
        )
    table = read_table(path.name, data)
    if role == "pairs":
        report = w.project(project).proposals.import_counterfactuals(table, name=path.name)
        return say(
            _imported(report, project),
            as_json,
            f"{report.added} counterfactuals added, {report.flipped} flip the teacher, "
            f"{len(report.problems)} rows left out.{_listed(report.problems)}",
        )
    if not project and not split(labels):
        raise typer.BadParameter(
            "name the labels of the new project with --labels, such as --labels negative,positive, "
            "or the project to add to with --project ID"
        )
    meant, task = json_map(label_map), Task(name or path.stem, tuple(split(labels)))
    with _filled(w, project, name or path.stem, task) as pid:
        kept, template = split(keep), sentence or w.project(pid).uploads.template()
        if template:
            table, text_column, named = w.project(pid).uploads.rows_as_sentences(table, template)
            kept = list(dict.fromkeys([*kept, *named]))
        chosen = {k: v for k, v in (("text", text_column), ("label", label_column)) if v}
        columns = replace(guess_columns(table), **chosen)
        found = w.project(pid).uploads.import_table(table, columns, role, meant, kept, hashlib.sha256(data).hexdigest(), path.name)
        if not found.examples and not project:
            raise BadInput(f"No row of {path.name} could be used, so no project was made.{_listed(found.problems)}")
    out = {"project": pid, "added": len(found.examples), "problems": as_rows(found.problems), "note": found.note}
    seen = "This file was added before. " if found.seen else ""
    say(
        out,
        as_json,
        f"Project {pid}: {seen}{len(found.examples)} texts, {found.left_out} rows left out. {found.note}{_listed(found.problems)}",
    )


@contextmanager
def _filled(w, project: str, name: str, task: Task) -> Iterator[str]:
    """The project to fill, a new one where none is named. A new one goes again where filling it fails: nobody knows its id."""
    pid = project or w.create_project(name, task)
    try:
        yield pid
    except BaseException:
        if not project:
            w.project(pid).keeping.delete()
        raise


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadInput(f"{path} cannot be read ({error.strerror}).") from error


def _imported(report: "ImportReport", project: str) -> dict[str, Any]:
    """What an import of counterfactuals came to, as --json gives it."""
    return {"added": report.added, "flipped": report.flipped, "problems": as_rows(report.problems), "project": project}


def _listed(problems) -> str:
    """The first problem rows, one a line, and how many more there are."""
    lines = [f"\n  row {p.row}: {p.message}" for p in problems[:SHOWN]]
    more = len(problems) - SHOWN
    return "".join(lines) + (f"\n  and {more} more; --json lists them all" if more > 0 else "")


def _from_hub(hub_set: str, project: str, name: str, part: str, limit: int, as_json: bool, home: str | None) -> None:
    from cod_core.data.hub import hub_set as named

    w, spec = open_workspace(home), named(hub_set)
    with _filled(w, project, name or spec.title, spec.task) as pid:
        found = w.project(pid).uploads.import_hub(spec.name, part, limit, progress_line(as_json))
    out = {"project": pid, "added": len(found.examples), "problems": as_rows(found.problems)}
    say(
        out,
        as_json,
        f"Project {pid}: {len(found.examples)} texts of {spec.title}, {found.left_out} rows left out. {found.note}"
        f"{_listed(found.problems)}",
    )


@app.command()
def projects(as_json: AsJson = False, home: Home = None) -> None:
    """List the projects with their ids."""
    found = [{"id": p.id, "name": p.name, "labels": list(p.task.labels)} for p in open_workspace(home).projects()]
    say(found, as_json, "\n".join(f"{p['id']}  {p['name']}  ({', '.join(p['labels'])})" for p in found) or "No projects yet.")
