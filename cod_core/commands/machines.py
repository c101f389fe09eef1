"""`machines`: where heavy work runs, what is there, and whether it works."""

from dataclasses import asdict
from typing import Annotated, Any

import typer

from cod_core.commands.shell import AsJson, Home, app, open_workspace, say
from cod_core.compute.machine import Machine
from cod_core.compute.versions import differing

GB = 1 << 30


@app.command()
def machines(
    test: Annotated[bool, typer.Option("--test", help="Let each process do a small piece of work.")] = False,
    as_json: AsJson = False,
    home: Home = None,
) -> None:
    """Say where heavy work runs (COD_WORKERS, COD_SCHEDULER), on which machines, and with --test whether it works."""
    found = open_workspace(home).machines
    tested = found.test() if test else None
    there = list(tested.machines) if tested else found.there()
    out: dict[str, Any] = {"place": found.named(), "machines": [asdict(one) for one in there]}
    lines = [f"Heavy work runs on: {out['place']}.", *map(as_line, there)]
    if tested:
        out |= {"answered": tested.answered, "seconds": tested.seconds, "same": tested.same}
        same = "the same numbers" if tested.same else "DIFFERENT numbers"
        lines.append(f"{tested.answered} answered within {tested.seconds:.1f} s, with {same}.")
    say(out, as_json, "\n".join(lines))


def as_line(one: Machine) -> str:
    """A machine in a line."""
    gpus = f", {', '.join(one.gpus)}" if one.gpus else ""
    other = "; ".join(differing(one.versions))
    return f"{one.name} on {one.host}: {one.cores} at once, {one.memory / GB:.0f} GB{gpus}{f' — OTHER VERSIONS: {other}' if other else ''}"
