"""`distill`, `sweep`, `try`: students with and without the counterfactuals; grids of them; any text on a student."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cod_core.commands.shell import PARTLY, AsJson, Home, app, note_waiting, open_workspace, progress_line, say, split, whole_numbers
from cod_core.distill.kinds import KINDS, LINEAR
from cod_core.distill.settings import STUDENT_NAMES, SweepPlan, usual_arms
from cod_core.errors import BadInput

if TYPE_CHECKING:
    from cod_core.project.results.sweep import SweepResults
    from cod_core.project.students.students import Said


@app.command()
def distill(
    project: str,
    shots: Annotated[str, typer.Option(help="Training rows, such as 8,16,32; all that fit where empty.")] = "",
    seeds: Annotated[int, typer.Option(help="Draws an arm.", min=1)] = 20,
    student: Annotated[
        str, typer.Option(help=f"One of {', '.join(KINDS)}: linear takes seconds, those that are trained minutes.")
    ] = LINEAR.name,
    encoder: Annotated[str, typer.Option(help="Model to start from: a hub name or a folder; the packaged one where empty.")] = "",
    arms: Annotated[str, typer.Option(help="kd, kd_free, half, cod, cod_plus; controls: swap, unverified, tightened.")] = "",
    method: Annotated[str, typer.Option(help="kd, lwd or ted (the last two for fine-tuned students).")] = "kd",
    layers: Annotated[str, typer.Option(help="For finetuned: layers kept, such as 1,3,5.")] = "",
    option: Annotated[
        list[str] | None, typer.Option(help="Any setting of a student, such as frozen_layers=3 or soft_labels=scaled; may be given again.")
    ] = None,
    without: Annotated[
        list[str] | None, typer.Option(help="A label to leave out of the comparison; may be given again. '' brings all back.")
    ] = None,
    as_json: AsJson = False,
    home: Home = None,
) -> None:
    """Train students with and without the accepted counterfactuals and say what these bought.

    Exit code 3: it is done, but some of the numbers of rows that were asked for could not be compared.
    """
    plan = SweepPlan.of(
        {
            "student": student,
            "seeds": seeds,
            "method": method,
            "shots": whole_numbers(shots, "--shots"),
            "layers": whole_numbers(layers, "--layers") or None,
            "encoder": encoder or None,
            "arms": split(arms) or list(usual_arms(student)),
            **settings_of(option or []),
        }
    )
    of = open_workspace(home).project(project)
    if without is not None:
        of.plan.leave_out([label for label in without if label])
    note_waiting(of)
    of.students.distil(plan, progress_line(as_json))
    found = of.results.latest()
    if found is None:
        raise BadInput("No student could be trained. See what was left out, and accept more counterfactuals.")
    said_of(found, plan.shots or (), as_json)


def said_of(found: "SweepResults", asked: Sequence[int], as_json: bool) -> None:
    """Print what a sweep found and what could not be compared. asked: the k that were asked for. Exits with 3 where one is missing."""
    read = [found.worth.decider(), found.worth.expert()] if found.worth else []
    missing = sorted(set(asked) - {e["k"] for e in found.effects})
    out = {
        "sentence": found.sentence,
        "worth": asdict(found.worth) if found.worth else None,
        "readings": {"decider": read[0], "expert": read[1]} if read else {},
        "effects": found.effects,
        "table": found.table,
        "free_draw": [one.numbers() | {"sentence": one.sentence()} for one in found.free],
        "left_out": found.messages,
        "without": found.without,
        "not_compared": missing,
    }
    said = [*read, *([e["sentence"] for e in found.effects] or [found.sentence])]
    said += [one.sentence() for one in found.free]
    said += [f"Not compared: k = {', '.join(map(str, missing))}."] if missing else []
    say(out, as_json, "\n".join([*said, *found.messages]))
    if missing or not found.effects:
        raise typer.Exit(PARTLY)


def settings_of(options: list[str]) -> dict[str, Any]:
    """name=value pairs as parameters, numbers as numbers. Raises BadInput for a name that no student has."""
    found: dict[str, Any] = {}
    for option in options:
        name, _, value = option.partition("=")
        if name not in STUDENT_NAMES or not value:
            raise BadInput(f"--option {option!r} is not NAME=VALUE with a name among {', '.join(STUDENT_NAMES)}.")
        try:
            found[name] = json.loads(value)
        except ValueError:
            found[name] = value
    return found


@app.command()
def sweep(
    path: Annotated[Path, typer.Argument(help="A grid as JSON: tasks, shots, seeds, runs (cod_core/distill/grid.py).")],
    workers: Annotated[int | None, typer.Option(help="Processes on this machine (or COD_WORKERS).", min=1)] = None,
    scheduler: Annotated[str, typer.Option(help="Address of a Dask scheduler to use instead (or COD_SCHEDULER).")] = "",
    cell: Annotated[str, typer.Option(help="Train this one cell again and compare it with what is on record.")] = "",
    as_json: AsJson = False,
    home: Home = None,
) -> None:
    """Train a declared grid of students; finished ones are skipped, so a stopped sweep goes on where it was."""
    w = open_workspace(home)
    try:
        declared = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadInput(f"{path} could not be read as JSON ({error}).") from error
    if cell:
        out = w.grids.rerun(declared, cell)
        return say(out, as_json, f"{cell}: {'the same numbers' if out['same'] else 'OTHER numbers'}, {out['again']}")
    out = w.grids.run(declared, progress_line(as_json), workers, scheduler or None)
    rows = [
        f"{r['task']:14s} {r.get('student', LINEAR.name):12s} {r['arm']:10s} k={r['k']:<4d} accuracy "
        f"{r.get('test_accuracy', float('nan')):.3f} ({r['cells']} draws)"
        for r in out["table"]
    ]
    say(out, as_json, "\n".join([*rows, *out["left_out"], f"{out['cells']} cells, {out['new']} trained now."]))


@app.command("try")
def try_(
    project: str,
    text: Annotated[list[str], typer.Argument(help="One or more texts, each in quotes.")],
    as_json: AsJson = False,
    home: Home = None,
) -> None:
    """Say what the teacher and the finished students make of any text, side by side."""
    rows = open_workspace(home).project(project).students.predict_side_by_side(text)
    out = [{"text": t, "said": [as_plain(said) for said in row]} for t, row in zip(text, rows)]
    say(out, as_json, "\n".join(as_line(said) for row in rows for said in row))


def as_plain(said: "Said") -> dict[str, Any]:
    """What a classifier says of a text, as JSON."""
    label = said.prediction.label
    return {
        "name": said.name,
        "arm": said.arm,
        "rows": said.rows,
        "run_id": said.run_id,
        "label": label,
        "probability": said.prediction.prob(label),
    }


def as_line(said: "Said") -> str:
    """The same in a line."""
    label, of = said.prediction.label, f" {said.arm}, {said.rows} rows" if said.arm else ""
    return f"{said.name}{of}: {label} ({said.prediction.prob(label):.0%})"
