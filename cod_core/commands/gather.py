"""`import` and `projects`: texts into a project."""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cod_core.commands.shell import AsJson, Home, app, as_rows, json_map, open_workspace, progress_line, say, split
from cod_core.data.formats import NAMES
from cod_core.errors import BadInput
from cod_core.types import Task

if TYPE_CHECKING:
    from cod_core.data.tables import Import, Problem, Table
    from cod_core.project.project import Project
    from cod_core.project.texts.uploads import Uploads
    from cod_core.workspace import Workspace

ROLES = ("labelled", "test", "unlabelled", "pairs")
SHOWN = 20  # problem rows that are printed


@app.command("import")
def import_(
    path: Annotated[
        Path,
        typer.Argument(
            help=f"{NAMES} file, an exported bundle (.zip), or hub:NAME for sst2, cola, imdb, yelp, amazon_polarity, sentiment140."
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
    from cod_core.data.tables import read_table

    _check_role(role, project)
    if str(path).startswith("hub:"):
        return _from_hub(str(path)[4:], project, name, part, limit, as_json, home)
    if not path.is_file():
        raise BadInput(f"There is no file {path}. Check the name.")
    w, data = open_workspace(home), _bytes_of(path)
    if role == "pairs":
        return _pairs(w.project(project), path, data, as_json)
    if path.suffix.lower() == ".zip":
        return _from_bundle(w, project, path, data, as_json)
    table = read_table(path.name, data)
    if not project and not split(labels):
        raise typer.BadParameter(
            "name the labels of the new project with --labels, such as --labels negative,positive, "
            "or the project to add to with --project ID"
        )
    upload = Upload(path, data, role, text_column, label_column, split(keep), sentence, json_map(label_map))
    with _filled(w, project, name or path.stem, Task(name or path.stem, tuple(split(labels)))) as pid:
        added = upload.into(w.project(pid).uploads, table)
        if not added.examples and not project:
            raise BadInput(f"No row of {path.name} could be used, so no project was made.{_listed(added.problems)}")
    out = {"project": pid, "added": len(added.examples), "problems": as_rows(added.problems), "note": added.note}
    seen = "This file was added before. " if added.seen else ""
    counts = f"{len(added.examples)} texts, {added.left_out} rows left out."
    say(out, as_json, f"Project {pid}: {seen}{counts} {added.note}{_listed(added.problems)}")


def _check_role(role: str, project: str) -> None:
    """Wrong use where there is no such role, or pairs come without their texts."""
    if role not in ROLES:
        raise typer.BadParameter(f"--role is one of {', '.join(ROLES)}, not {role!r}")
    if role == "pairs" and not project:
        raise typer.BadParameter("pairs are added to texts that are there already: name their project with --project ID")


@dataclass(frozen=True)
class Upload:
    """A table of texts and how to read it. text_column, label_column: "" where they are to be found. keep: other columns.
    sentence: the template that makes a text of a row's columns, "" for the project's, if it has one. label_map: from the
    file's labels to the project's."""

    path: Path
    data: bytes
    role: str
    text_column: str
    label_column: str
    keep: list[str]
    sentence: str
    label_map: dict[str, str] | None

    def into(self, uploads: "Uploads", table: "Table") -> "Import":
        """Add the table's rows to a project."""
        from cod_core.data.tables import guess_columns

        text, keep = self.text_column, self.keep
        if template := self.sentence or uploads.template():
            table, text, named = uploads.rows_as_sentences(table, template)
            keep = list(dict.fromkeys([*keep, *named]))
        guess = guess_columns(table)
        columns = replace(guess, text=text or guess.text, label=self.label_column or guess.label)
        digest = hashlib.sha256(self.data).hexdigest()
        return uploads.import_table(table, columns, self.role, self.label_map, keep, digest, self.path.name)


def _pairs(project: "Project", path: Path, data: bytes, as_json: bool) -> None:
    """Counterfactuals of a table or of an exported bundle, added to the texts that are there."""
    from cod_core.data.tables import read_table

    zipped = path.suffix.lower() == ".zip"
    if zipped:
        added = project.proposals.import_pairs_of_bundle(data, path.name)
    else:
        added = project.proposals.import_counterfactuals(read_table(path.name, data), name=path.name)
    say(
        {"added": added.added, "flipped": added.flipped, "problems": as_rows(added.problems), "project": project.id},
        as_json,
        f"{added.added} counterfactuals added, {added.flipped} flip the teacher, "
        f"{len(added.problems)} {'' if zipped else 'rows '}left out.{_listed(added.problems)}",
    )


def _from_bundle(w: "Workspace", project: str, path: Path, data: bytes, as_json: bool) -> None:
    """An exported set or a backup: opened as a project of its own, or its texts added to one."""
    pid, left_out = (project, w.project(project).bundles.open(data)) if project else w.open_bundle(data)
    said = f"Project {pid} restored from {path.name}, {len(left_out)} texts left out.{_listed(left_out)}"
    say({"project": pid, "problems": as_rows(left_out)}, as_json, said)


@contextmanager
def _filled(w: "Workspace", project: str, name: str, task: Task) -> Iterator[str]:
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


def _listed(problems: "Sequence[Problem]") -> str:
    """The first problem rows, one a line, and how many more there are."""
    lines = [f"\n  row {p.row}: {p.message}" for p in problems[:SHOWN]]
    more = len(problems) - SHOWN
    return "".join(lines) + (f"\n  and {more} more; --json lists them all" if more > 0 else "")


def _from_hub(hub_set: str, project: str, name: str, part: str, limit: int, as_json: bool, home: str | None) -> None:
    from cod_core.data.hub import hub_set as named

    w, spec = open_workspace(home), named(hub_set)
    with _filled(w, project, name or spec.title, spec.task) as pid:
        added = w.project(pid).uploads.import_hub(spec.name, part, limit, progress_line(as_json))
    counts = f"{len(added.examples)} texts of {spec.title}, {added.left_out} rows left out."
    out = {"project": pid, "added": len(added.examples), "problems": as_rows(added.problems)}
    say(out, as_json, f"Project {pid}: {counts} {added.note}{_listed(added.problems)}")


@app.command()
def projects(as_json: AsJson = False, home: Home = None) -> None:
    """List the projects with their ids."""
    there = open_workspace(home).projects()
    listed = "\n".join(f"{p.id}  {p.name}  ({', '.join(p.task.labels)})" for p in there) or "No projects yet."
    say([{"id": p.id, "name": p.name, "labels": list(p.task.labels)} for p in there], as_json, listed)
