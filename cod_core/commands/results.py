"""`diagnose`, `report`, `compare`, `moons`: what a comparison shows beyond accuracy."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from cod_core.commands.shell import AsJson, Home, app, open_workspace, progress_line, say, write
from cod_core.diagnostics.two_moons import Moons, demonstrate
from cod_core.errors import NotEnoughData
from cod_core.project.results.diagnosis import GapsAt


@app.command()
def diagnose(project: str, as_json: AsJson = False, home: Home = None) -> None:
    """Measure where teacher and students draw the line, on pairs that no student saw."""
    room = open_workspace(home, project).project(project).diagnostics
    room.run(progress_line(as_json))
    found = room.latest()
    if found is None:
        raise NotEnoughData("What was measured cannot be read back. Measure it again.")
    say({**found.to_json(), "stale": found.stale}, as_json, "\n".join(gap_line(k, g) for k, g in found.gaps.items() if g.n))


def gap_line(k: int, g: GapsAt) -> str:
    """The gaps at k training rows in one line. One possible draw and one pair have no interval."""
    kd, cod, e = g.arms["kd"], g.arms["cod"], g.effect
    difference = "" if e is None or e.low is None else f"difference {e.mean:+.3f} [{e.low:+.3f}, {e.high:+.3f}], "
    return (
        f"k = {k}: gap {cod.mean:.3f} with counterfactuals, {kd.mean:.3f} without, {difference}{g.n} pairs, {g.draws} draws; "
        f"both ends right {1 - cod.censored:.0%} against {1 - kd.censored:.0%}"
    )


@app.command()
def report(
    project: str, path: Annotated[Path, typer.Argument(help="The HTML file to write.")], as_json: AsJson = False, home: Home = None
) -> None:
    """Write the results as one self-contained HTML file. It holds texts of the project."""
    write(path, open_workspace(home, project).project(project).report.html().encode())
    say({"path": str(path), "bytes": path.stat().st_size}, as_json, f"{path}: {path.stat().st_size:,} bytes")


@app.command()
def compare(
    project: str,
    first: Annotated[str, typer.Argument(help="A run; leave both out to list them.")] = "",
    second: Annotated[str, typer.Argument(help="The run to set against it.")] = "",
    as_json: AsJson = False,
    home: Home = None,
) -> None:
    """Set two groups of students against each other; without names, list what can be compared."""
    room = open_workspace(home, project).project(project).comparison
    if not first or not second:
        sides = room.sides()
        rows = [{"id": s.id, "draws": len(s.run_ids), **s.about} for s in sides]
        return say(rows, as_json, "\n".join(s.id for s in sides) or "Nothing was distilled yet.")
    found = room.compare(first, second)
    lines = [
        f"{m['name']}: {m['first']:.3f} -> {m['second']:.3f}"
        + ("" if m["low"] is None else f", difference {m['mean']:+.3f} [{m['low']:+.3f}, {m['high']:+.3f}]")
        for m in found.measures
    ]
    say(asdict(found), as_json, "\n".join([*lines, f"differs in: {', '.join(found.differs) or 'nothing'}"]))


@app.command()
def moons(
    draws: Annotated[int, typer.Option(help="Draws.", min=1)] = 20,
    k: Annotated[int, typer.Option(help="Training rows, an even number.", min=4)] = 20,
    as_json: AsJson = False,
    home: Home = None,
) -> None:
    """The two-moons demonstration: distance of each student's boundary to the teacher's, a draw a line."""
    found = demonstrate(list(range(draws)), Moons(k=k))
    rows = [
        {
            "draw": d.seed,
            **{
                f"{name}_{arm}": value
                for arm, s in (("kd", d.kd), ("cod", d.cod))
                for name, value in (
                    ("facing", s.facing),
                    ("hausdorff", s.distance.hausdorff),
                    ("hd95", s.distance.hd95),
                    ("chamfer", s.distance.chamfer),
                    ("agreement", s.agreement),
                )
            },
        }
        for d in found
    ]
    lines = [
        f"{name}: with counterfactuals lower in {sum(r[f'{name}_cod'] < r[f'{name}_kd'] for r in rows)} of {draws}, "
        f"mean {sum(r[f'{name}_cod'] for r in rows) / draws:.3f} against {sum(r[f'{name}_kd'] for r in rows) / draws:.3f}"
        for name in ("facing", "hausdorff", "hd95", "chamfer")
    ]
    say(rows, as_json, "\n".join(lines))
