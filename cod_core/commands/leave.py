"""`export`: the curated set or the student to a file."""

from pathlib import Path
from typing import Annotated

import typer

from cod_core.commands.shell import AsJson, Home, app, open_workspace, progress_line, say
from cod_core.errors import CodError
from cod_core.workspace.choosing import ExportChoice


@app.command()
def export(project: str, path: Annotated[Path, typer.Argument(help="bundle.zip, set.jsonl, pairs.tsv, or student.zip with --student.")],
           student: Annotated[bool, typer.Option("--student", help="Export the student instead of the set.")] = False,
           names: Annotated[bool, typer.Option("--names",
                                               help="Keep the annotators' names; A1, A2, ... stand for them otherwise.")] = False,
           rejected: Annotated[bool, typer.Option("--rejected", help="Add rejected.jsonl to the bundle.")] = False,
           as_json: AsJson = False, home: Home = None) -> None:
    """Write the curated set (a bundle, or plain JSON lines) or the student to a file."""
    w = open_workspace(home)
    if student:
        data = w.export_student(project)
        try:
            path.write_bytes(data)
        except OSError as error:
            raise CodError(f"{path} could not be written ({error.strerror}). Choose another place.") from error
    else:
        w.write_export(project, path, ExportChoice(anonymise=not names, rejected=rejected), progress_line(as_json))
    out = {"path": str(path), "bytes": path.stat().st_size, **w.export_counts(project)}
    say(out, as_json, f"{path}: {out['bytes']:,} bytes, {out['exported']} pairs.")
