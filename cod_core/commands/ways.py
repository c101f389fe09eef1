"""`ways`: what labels, the teacher's answers and counterfactuals bring this project's student, side by side."""

from dataclasses import asdict
from typing import Annotated

import typer

from cod_core.commands.shell import AsJson, Home, app, open_workspace, progress_line, say
from cod_core.distill.minutes import effort, measured_or_assumed
from cod_core.distill.ways import DOING, percent, sentences


@app.command()
def ways(
    project: str,
    again: Annotated[bool, typer.Option("--again", help="Measure anew what is on record too.")] = False,
    as_json: AsJson = False,
    home: Home = None,
) -> None:
    """Compare labelling more, the teacher's answers on texts without a label, counterfactuals, and the last two together."""
    room = open_workspace(home, project).project(project).ways
    found = room.latest()
    if found is None or found.stale or again:
        found = room.measure(progress_line(as_json))
    pace = room.pace()
    work = {way.name: effort(way, found, pace) for way in found.ways}
    lines = sentences(found) + [
        f"    {percent(way.share):>5s}  {DOING[way.name]}, {way.rows:,} rows; your work: {work[way.name].spoken()}" for way in found.ways
    ]
    told = {"sentences": sentences(found), "work": {name: asdict(one) for name, one in work.items()}, "pace": asdict(pace)}
    say(found.to_json() | told, as_json, "\n".join([*lines, measured_or_assumed(pace)]))
