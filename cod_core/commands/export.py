"""`export`: the curated set or the student to a file."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cod_core.commands.shell import AsJson, Home, app, note_waiting, open_workspace, progress_line, say, write
from cod_core.distill.kinds import LINEAR
from cod_core.distill.take_home import CHOICES, Made, TakeHome
from cod_core.errors import NotEnoughData
from cod_core.export.choice import STUDENT_FORMS, ExportChoice
from cod_core.export.forms import KEYS as FORM_KEYS
from cod_core.progress import Progress

if TYPE_CHECKING:
    from cod_core.project.project import Project


def whole_student(opened: "Project", progress: Progress, form: str = "folder") -> bytes:
    """The student to take home as a zip in a form; made first, as a quick one, where there is none of what the project holds now."""
    made = opened.product.latest()
    if made is None or made.stale:
        opened.product.make(TakeHome(), progress)
    return opened.package.student(form=form)


@app.command()
def student(
    project: str,
    kind: Annotated[str, typer.Option(help=f"One of: {', '.join(CHOICES)} (the best on development texts).")] = LINEAR.name,
    as_json: AsJson = False,
    home: Home = None,
) -> None:
    """Train the student to take home on everything: all labelled texts, all accepted pairs, texts without a label."""
    made = open_workspace(home).project(project).product.make(TakeHome(kind), progress_line(as_json))
    read = Made.of(made, stale=False)
    brought = [
        f"with {one.words}: {one.dev:.3f} of {read.n_dev} development texts" for one in read.ingredients if one.rows and one.dev is not None
    ]
    test = ", ".join(f"{name} {value:.3g}" for name, value in read.test.items())
    say(made, as_json, "\n".join([f"Trained on {read.trained_on}.", *brought, f"Test texts, measured once: {test or 'none'}."]))


@app.command()
def export(
    project: str,
    path: Annotated[Path, typer.Argument(help="bundle.zip, set.jsonl, pairs.csv, pairs.tsv, or student.zip with --student.")],
    form: Annotated[
        str, typer.Option("--as", help=f"What is written, where the name's ending does not say it: {', '.join(FORM_KEYS)}.")
    ] = "",
    student: Annotated[bool, typer.Option("--student", help="Export the student instead of the set.")] = False,
    names: Annotated[bool, typer.Option("--names", help="Keep the annotators' names; A1, A2, ... stand for them otherwise.")] = False,
    rejected: Annotated[bool, typer.Option("--rejected", help="Add rejected.jsonl to the bundle.")] = False,
    as_json: AsJson = False,
    home: Home = None,
) -> None:
    """Write the curated set (a bundle, a table, or a file for another tool) or the student to a file."""
    _check_form(path, form, student, rejected)
    opened = open_workspace(home).project(project)
    if student:
        write(path, whole_student(opened, progress_line(as_json), form or STUDENT_FORMS[0]))
        out = {"path": str(path), "bytes": path.stat().st_size}
        return say(out, as_json, f"{path}: {out['bytes']:,} bytes.")
    _write_set(opened, path, form, ExportChoice(anonymise=not names, rejected=rejected), as_json)


def _check_form(path: Path, form: str, student: bool, rejected: bool) -> None:
    """Wrong use where the name, the form and what is asked for do not fit."""
    if (student or rejected) and path.suffix.lower() != ".zip":
        what = "a student is" if student else "rejected pairs are in a file of their own, so the set is"
        raise typer.BadParameter(f"{what} written as a zip: give a name that ends in .zip, not {path.name!r}")
    if student and form not in ("", *STUDENT_FORMS):
        raise typer.BadParameter(f"a student is written as one of: {', '.join(STUDENT_FORMS)}; not as {form!r}")
    if rejected and not student and form not in ("", "bundle"):
        raise typer.BadParameter(f"rejected pairs go into the bundle only: leave out --as {form}, or --rejected")


def _write_set(opened: "Project", path: Path, form: str, choice: ExportChoice, as_json: bool) -> None:
    """The curated set to a file, or to a folder; what was written is said, and what a person does with it."""
    note_waiting(opened)
    if why := opened.exports.why_nothing(choice):
        raise NotEnoughData(f"Nothing was written. {why}")
    opened.exports.write(path, choice, progress_line(as_json), form)
    size = sum(part.stat().st_size for part in path.rglob("*") if part.is_file()) if path.is_dir() else path.stat().st_size
    then = str(opened.exports.then(form)) if form else ""
    out = {"path": str(path), "bytes": size, **opened.exports.counts(choice), **({"then": then} if then else {})}
    also = f" and {out['rejected']} rejected ones" if choice.rejected else ""
    say(out, as_json, f"{path}: {size:,} bytes, {out['exported']} pairs{also}." + (f"\n{then}" if then else ""))
