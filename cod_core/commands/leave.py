"""`export`: the curated set or the student to a file."""

from pathlib import Path
from typing import Annotated

import typer

from cod_core.commands.shell import AsJson, Home, app, open_workspace, say
from cod_core.errors import CodError


@app.command()
def export(project: str, path: Annotated[Path, typer.Argument(help="bundle.zip, set.jsonl, or student.zip with --student.")],
           student: Annotated[bool, typer.Option("--student", help="Export the student instead of the set.")] = False,
           rejected: Annotated[bool, typer.Option("--rejected", help="Add rejected.jsonl to the bundle.")] = False,
           as_json: AsJson = False, home: Home = None) -> None:
    """Write the curated set (a bundle, or plain JSON lines) or the student to a file."""
    w = open_workspace(home)
    if student:
        data = w.export_student(project)
    else:
        data = w.export_jsonl(project) if path.suffix == ".jsonl" else w.export_bundle(project, rejected)
    try:
        path.write_bytes(data)
    except OSError as error:
        raise CodError(f"{path} could not be written ({error.strerror}). Choose another place.") from error
    out = {"path": str(path), "bytes": len(data), **w.export_counts(project)}
    say(out, as_json, f"{path}: {len(data):,} bytes, {out['exported']} pairs.")
