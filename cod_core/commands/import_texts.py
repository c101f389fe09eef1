"""`import` and `projects`: texts into a project."""

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cod_core.commands import files
from cod_core.commands.files import Opened
from cod_core.commands.shell import AsJson, Home, app, as_rows, json_map, open_workspace, progress_line, say, split
from cod_core.errors import BadInput
from cod_core.types import Task

if TYPE_CHECKING:
    from cod_core.data.raw import Asked
    from cod_core.data.tables import Columns, Import, Table
    from cod_core.project.project import Project
    from cod_core.project.texts.uploads import Uploads
    from cod_core.workspace import Workspace

ROLES = ("labelled", "test", "unlabelled", "pairs")
NO_COLUMN = "none"


@app.command("import")
def import_(
    path: Annotated[
        Path,
        typer.Argument(
            help="A file or folder of texts (docs/formats.md lists what is read), an exported bundle (.zip), or hub:NAME for sst2, "
            "cola, imdb, yelp, amazon_polarity, sentiment140."
        ),
    ],
    labels: Annotated[
        str, typer.Option(help="The labels of a new project, with commas between them or as a JSON list; the file's own where not given.")
    ] = "",
    labels_file: Annotated[Path | None, typer.Option(help="A file with the labels of a new project, one a line.")] = None,
    project: Annotated[str, typer.Option(help="Id of an existing project to add to.")] = "",
    name: Annotated[str, typer.Option(help="Name of a new project.")] = "",
    role: Annotated[str, typer.Option(help="What the rows are: labelled, test, unlabelled or pairs.")] = "labelled",
    format_: Annotated[
        str,
        typer.Option(
            "--format",
            help="What the file is, where it is not found: csv, tsv, xlsx, json, txt, lines, fasttext, parquet, arrow, dataset, table, "
            "label-studio, prodigy, argilla, doccano, label-studio-table, doccano-table, annotators or one-hot.",
        ),
    ] = "",
    encoding: Annotated[
        str, typer.Option(help="How letters are written: utf-8, cp1252, cp1251, shift-jis, gb2312, mac_roman and others.")
    ] = "",
    sheet: Annotated[str, typer.Option(help="Sheet of a workbook, or file in a zip, where it is not found.")] = "",
    text_column: Annotated[str, typer.Option(help="Column with the text, where it is not found.")] = "",
    label_column: Annotated[str, typer.Option(help="Column with the label, where it is not found.")] = "",
    label: Annotated[str, typer.Option(help="The label of every text of the file, where it has no column for it.")] = "",
    id_column: Annotated[str, typer.Option(help="Column with the name of each row, kept with it; 'none' keeps none.")] = "",
    keep: Annotated[str, typer.Option(help="Other columns to keep, separated by commas; none by default.")] = "",
    sentence: Annotated[
        str, typer.Option(help='Rows are columns: make the text by this template, such as "The patient is {age} years old."')
    ] = "",
    label_map: Annotated[str, typer.Option(help='JSON from the file\'s labels to the project\'s: {"0": "complaint"}.')] = "",
    own_test: Annotated[bool, typer.Option("--own-test", help="A test file will come: hold none of these texts out for it.")] = False,
    part: Annotated[str, typer.Option("--split", help="For hub: train, validation or test.")] = "train",
    limit: Annotated[int, typer.Option(help="For hub: at most so many rows.", min=1)] = 1000,
    as_json: AsJson = False,
    home: Home = None,
) -> None:
    """Read a file of texts into a project (a new one where --project is not given). Prints the project's id."""
    from cod_core.data.raw import Asked
    from cod_core.data.tables import read_table

    _check_role(role, project)
    if str(path).startswith("hub:"):
        return _from_hub(str(path)[4:], project, name, part, limit, as_json, home)
    file_name, data = files.bytes_of(path)
    w, asked = open_workspace(home), Asked(format_, encoding, sheet)
    bundle = _is_bundle(file_name, data) and not format_
    if role == "pairs":
        return _pairs(w.project(project), file_name, data, bundle, asked, as_json)
    if bundle:
        return _from_bundle(w, project, path, data, as_json)
    opened = Opened(file_name, data, read_table(file_name, data, asked=asked))
    choice = Choice(text_column, label_column, label, id_column, split(keep), sentence, json_map(label_map), own_test)
    upload = Upload(opened, role, choice)
    _add(w, project, name or path.stem, upload, files.labels_of(labels, labels_file), as_json)


def _add(w: "Workspace", project: str, name: str, upload: "Upload", labels: list[str], as_json: bool) -> None:
    """Add the file's rows to the project, a new one where none is named, and say what was read and what was left out."""
    opened = upload.opened
    if project:
        pid, (added, columns) = project, upload.into(w.project(project).uploads)
    else:
        task = upload.task(name, labels)
        pid, added, columns = upload.made(w, name, task)
    out = {
        "project": pid,
        "added": len(added.examples),
        "labels": dict(added.label_counts),
        "problems": as_rows(added.problems),
        "remarks": files.remarks_as_json(added.problems),
        "note": added.note,
        "read": files.taken_as_json(opened, columns),
    }
    seen = "This file was added before. " if added.seen else ""
    counts = f"{len(added.examples)} texts, {added.left_out} rows left out."
    own = "" if project or labels else f" Labels of the file: {'; '.join(task.labels)[:500]}."
    say(out, as_json, f"Project {pid}: {seen}{counts}{own} {added.note}{files.told(opened, columns)}{files.listed(added.problems)}")


def _is_bundle(name: str, data: bytes) -> bool:
    """Whether a file is what Export or a backup wrote, and no zipped table."""
    from cod_core.data.packed import parts_of

    return name.lower().endswith(".zip") and "manifest.json" in parts_of(data)


def _check_role(role: str, project: str) -> None:
    """Wrong use where there is no such role, or pairs come without their texts."""
    if role not in ROLES:
        raise typer.BadParameter(f"--role is one of {', '.join(ROLES)}, not {role!r}")
    if role == "pairs" and not project:
        raise typer.BadParameter("pairs are added to texts that are there already: name their project with --project ID")


@dataclass(frozen=True)
class Choice:
    """What the person says of the columns. text, label, name: columns, "" where they are to be found ("none": keep no name).
    all_labelled: the label of every row, "" where a column holds it. keep: other columns. sentence: the template that makes a
    text of a row's columns, "" for the project's, if it has one. label_map: from the file's labels to the project's. own_test:
    a test file will come."""

    text: str
    label: str
    all_labelled: str
    name: str
    keep: list[str]
    sentence: str
    label_map: dict[str, str] | None
    own_test: bool


@dataclass(frozen=True)
class Upload:
    """A file of texts and how to read it."""

    opened: Opened
    role: str
    choice: Choice

    def _columns(self, table: "Table", text: str) -> "tuple[Table, Columns]":
        """(the table, its columns as the person says or as they are found). text: column of the texts, "" to find it."""
        from cod_core.data.tables import guess_columns, with_label

        chosen, label = self.choice, self.choice.label
        if chosen.all_labelled:
            table, label = with_label(table, chosen.all_labelled)
        guess = guess_columns(table)
        name = None if chosen.name == NO_COLUMN else chosen.name or guess.name
        columns = replace(guess, text=text or guess.text, label=label or guess.label, name=name)
        if columns.label == columns.text and not label:
            columns = replace(columns, label=None)
        used = (columns.text, columns.label, columns.name, *chosen.keep)
        return table, replace(columns, extras=[c for c in table.columns if c not in used and c not in (columns.split, columns.source_id)])

    def task(self, name: str, labels: list[str]) -> Task:
        """The task of a new project: the labels named, else those of the file, with its descriptions."""
        from cod_core.data.tables import file_labels

        if not labels:
            if self.role == "unlabelled":
                raise typer.BadParameter(
                    "texts without labels say nothing of the labels of a new project: name them with --labels, such as "
                    "--labels negative,positive, or the project to add to with --project ID"
                )
            table, columns = self._columns(self.opened.table, self.choice.text)
            labels = list(file_labels(table, columns))
            if self.choice.label_map:
                labels = list(dict.fromkeys(self.choice.label_map.values()))
        told = self.opened.table.descriptions
        described = tuple(told.get(label, "") for label in labels)
        return Task(name, tuple(labels), described if all(described) else ())

    def into(self, uploads: "Uploads") -> "tuple[Import, Columns]":
        """Add the table's rows to a project."""
        table, text, keep = self.opened.table, self.choice.text, self.choice.keep
        template = self.choice.sentence or uploads.template()
        if template:
            table, text, named = uploads.rows_as_sentences(table, template)
            keep = list(dict.fromkeys([*keep, *named]))
        table, columns = self._read(table, text)
        label_map, own = self.choice.label_map, self.choice.own_test
        return uploads.import_table(table, columns, self.role, label_map, keep, self._digest(), self.opened.name, own_test=own), columns

    def made(self, w: "Workspace", name: str, task: Task) -> "tuple[str, Import, Columns]":
        """(id of a new project with the table's rows and the guideline that the file brings, what was added, the columns).

        Raises BadInput where no row can be used: no project is made then.
        """
        from cod_core.data.sentences import fields_of, with_sentences
        from cod_core.project.texts.uploads import checked_rows

        table, text, keep, template = self.opened.table, self.choice.text, self.choice.keep, self.choice.sentence
        if template:
            table, named = with_sentences(table, template), fields_of(template, table.columns)
            text, keep = table.columns[-1], list(dict.fromkeys([*keep, *named]))
        table, columns = self._read(table, text)
        read = checked_rows(task.labels, table, columns, self.role, self.choice.label_map, keep)
        with w.new_project(name, task) as project:
            if template:
                project.uploads.remember(template, named)
            added = project.uploads.take(read, self.role, self._digest(), self.opened.name, own_test=self.choice.own_test)
            if not added.examples:
                raise BadInput(
                    f"No row of {self.opened.name} could be used, so no project was made."
                    f"{files.told(self.opened, columns)}{files.listed(added.problems)}"
                )
            if guideline := self.opened.table.guideline.strip():
                project.guideline.write(guideline, "", note=f"of {self.opened.name}")
        return project.id, added, columns

    def _read(self, table: "Table", text: str) -> "tuple[Table, Columns]":
        table, columns = self._columns(table, text)
        return (table if text else _one_text(table, columns)), columns

    def _digest(self) -> str:
        return hashlib.sha256(self.opened.data).hexdigest()


def _one_text(table: "Table", columns: "Columns") -> "Table":
    """The table, with a remark where other columns hold texts too. Raises BadInput where none of them is called the text."""
    from cod_core.data.tables import Problem, text_columns, usual_text

    found = text_columns(table, columns)
    if len(found) < 2:
        return table
    named = " and ".join(map(repr, found[:4]))
    joined = " ".join(f"{{{name}}}" for name in found[:4])
    how = f"Read one with --text-column, or join them with --sentence '{joined}'."
    if not usual_text(columns.text) and table.known.text != columns.text:
        raise BadInput(f"The columns {named} hold texts, and it is not said which to read. {how}")
    said = f"The columns {named} hold texts; {columns.text!r} was read. {how}"
    return replace(table, problems=[*table.problems, Problem(0, said, False)])


def _pairs(project: "Project", name: str, data: bytes, bundle: bool, asked: "Asked", as_json: bool) -> None:
    """Counterfactuals of a table or of an exported bundle, added to the texts that are there."""
    from cod_core.data.tables import read_table

    if bundle:
        added = project.proposals.import_pairs_of_bundle(data, name)
    else:
        added = project.proposals.import_counterfactuals(read_table(name, data, asked=asked), name=name)
    say(
        {"added": added.added, "flipped": added.flipped, "here": added.here, "problems": as_rows(added.problems), "project": project.id},
        as_json,
        f"{added.said} {len(added.problems)} {'' if bundle else 'rows '}left out.{files.listed(added.problems)}",
    )


def _from_bundle(w: "Workspace", project: str, path: Path, data: bytes, as_json: bool) -> None:
    """An exported set or a backup: opened as a project of its own, or its texts added to one."""
    pid, left_out = (project, w.project(project).bundles.open(data)) if project else w.open_bundle(data)
    said = f"Project {pid} restored from {path.name}, {len(left_out)} texts left out.{files.listed(left_out)}"
    say({"project": pid, "problems": as_rows(left_out)}, as_json, said)


def _from_hub(hub_set: str, project: str, name: str, part: str, limit: int, as_json: bool, home: str | None) -> None:
    from cod_core.data.hub import hub_set as named
    from cod_core.project.texts.uploads import hub_rows

    w, spec = open_workspace(home), named(hub_set)
    if project:
        pid, added = project, w.project(project).uploads.import_hub(spec.name, part, limit, progress_line(as_json))
    else:
        read = hub_rows(spec.name, part, limit, spec.task.labels, progress_line(as_json))
        with w.new_project(name or spec.title, spec.task) as made:
            pid, added = made.id, made.uploads.take_hub(read, spec.name, part)
    counts = f"{len(added.examples)} texts of {spec.title}, {added.left_out} rows left out."
    out = {"project": pid, "added": len(added.examples), "problems": as_rows(added.problems)}
    say(out, as_json, f"Project {pid}: {counts} {added.note}{files.listed(added.problems)}")


@app.command()
def projects(as_json: AsJson = False, home: Home = None) -> None:
    """List the projects with their ids."""
    there = open_workspace(home).projects()
    listed = "\n".join(f"{p.id}  {p.name}  ({', '.join(p.task.labels)})" for p in there) or "No projects yet."
    say([{"id": p.id, "name": p.name, "labels": list(p.task.labels)} for p in there], as_json, listed)
