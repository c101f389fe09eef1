"""`export`: the curated set or the student to a file."""

from pathlib import Path
from typing import Annotated

import typer

from cod_core.commands.shell import AsJson, Home, app, open_workspace, progress_line, say, write
from cod_core.errors import NotEnoughData
from cod_core.export.choice import ExportChoice


@app.command()
def export(
    project: str,
    path: Annotated[Path, typer.Argument(help="bundle.zip, set.jsonl, pairs.tsv, or student.zip with --student.")],
    student: Annotated[bool, typer.Option("--student", help="Export the student instead of the set.")] = False,
    names: Annotated[bool, typer.Option("--names", help="Keep the annotators' names; A1, A2, ... stand for them otherwise.")] = False,
    rejected: Annotated[bool, typer.Option("--rejected", help="Add rejected.jsonl to the bundle.")] = False,
    as_json: AsJson = False,
    home: Home = None,
) -> None:
    """Write the curated set (a bundle, or plain JSON lines) or the student to a file."""
    w, choice = open_workspace(home), ExportChoice(anonymise=not names, rejected=rejected)
    if (student or rejected) and path.suffix.lower() != ".zip":
        what = "a student is" if student else "rejected pairs are in a file of their own, so the set is"
        raise typer.BadParameter(f"{what} written as a zip: give a name that ends in .zip, not {path.name!r}")
    if student:
        write(path, w.project(project).package.student())
        out = {"path": str(path), "bytes": path.stat().st_size}
        return say(out, as_json, f"{path}: {out['bytes']:,} bytes.")
    if why := w.project(project).exports.why_nothing(choice):
        raise NotEnoughData(f"Nothing was written. {why}")
    w.project(project).exports.write(path, choice, progress_line(as_json))
    out = {"path": str(path), "bytes": path.stat().st_size, **w.project(project).exports.counts(choice)}
    also = f" and {out['rejected']} rejected ones" if rejected else ""
    say(out, as_json, f"{path}: {out['bytes']:,} bytes, {out['exported']} pairs{also}.")
