"""`diagnose`, `report`, `compare`, `moons`: what a comparison shows beyond accuracy."""

from pathlib import Path
from typing import Annotated

import typer

from cod_core.commands.shell import AsJson, Home, app, open_workspace, progress_line, say, write
from cod_core.diagnostics.two_moons import Moons, demonstrate


@app.command()
def diagnose(project: str, as_json: AsJson = False, home: Home = None) -> None:
    """Measure where teacher and students draw the line, on pairs that no student saw."""
    w = open_workspace(home, project)
    w.project(project).diagnostics.run(progress_line(as_json))
    found = w.project(project).diagnostics.latest()
    lines = [
        f"k = {k}: gap {g['arms']['cod']['mean']:.3f} with counterfactuals, {g['arms']['kd']['mean']:.3f} without, "
        f"difference {g['effect']['mean']:+.3f} [{g['effect']['low']:+.3f}, {g['effect']['high']:+.3f}], "
        f"{g['n']} pairs, {g['draws']} draws; both ends right {1 - g['arms']['cod']['censored']:.0%} against "
        f"{1 - g['arms']['kd']['censored']:.0%}"
        for k, g in found["gaps"].items()
        if g["n"]
    ]
    say(found, as_json, "\n".join(lines))


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
    w = open_workspace(home, project)
    if not first or not second:
        sides = [{"id": s.id, "draws": len(s.run_ids), **s.about} for s in w.project(project).comparison.sides()]
        return say(sides, as_json, "\n".join(s["id"] for s in sides) or "Nothing was distilled yet.")
    found = w.project(project).comparison.compare(first, second)
    lines = [
        f"{m['name']}: {m['first']:.3f} -> {m['second']:.3f}"
        + ("" if m["low"] is None else f", difference {m['mean']:+.3f} [{m['low']:+.3f}, {m['high']:+.3f}]")
        for m in found["measures"]
    ]
    say(found, as_json, "\n".join([*lines, f"differs in: {', '.join(found['differs']) or 'nothing'}"]))


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
