"""The command line: a thin skin over the workspace.

    python -m cod_core demo                                      the whole job on a sample
    python -m cod_core import texts.csv --labels praise,complaint
    python -m cod_core teacher PROJECT finetune
    python -m cod_core generate PROJECT --k 16
    python -m cod_core distill PROJECT
    python -m cod_core export PROJECT bundle.zip

Exit codes: 0 done, 1 a problem you can act on (the message says how), 2 wrong use, 130 interrupted.
"""

import json
import logging
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from cod_core.errors import CodError
from cod_core.types import ARMS, Task

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False,
                  help="Counterfactual curation for few-shot distillation, without a browser.")
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output and nothing else.")]
Home = Annotated[str | None, typer.Option("--home", help="Data folder; COD_HOME or the usual place where not given.")]


def _workspace(home: str | None):
    from cod_core.workspace import Workspace
    return Workspace(home)


def _progress(quiet: bool):
    """Progress on standard error, one line rewritten; nothing where it is not a terminal."""
    def report(done: int, total: int, message: str = "") -> None:
        if not quiet and sys.stderr.isatty():
            print(f"\r{message} {done}/{total}   ", end="" if done < total else "\n", file=sys.stderr, flush=True)
    return report


def _say(value: Any, as_json: bool, plain: str) -> None:
    print(json.dumps(value, ensure_ascii=False) if as_json else plain)


def _problems(found) -> list[dict]:
    return [asdict(p) for p in found]


@app.command()
def demo(sample: Annotated[str, typer.Option(help="movies, amazon or tweets.")] = "movies",
         first_seed: Annotated[int, typer.Option(help="Number of the first draw.")] = 0,
         seeds: Annotated[int, typer.Option(help="How many draws.")] = 5,
         as_json: AsJson = False, home: Home = None) -> None:
    """Run the whole main job on a built-in sample: search, verify, distil with and without, measure."""
    from cod_core.workspace.demo import run_demo

    out = run_demo(_workspace(home), sample, first_seed, seeds, progress=_progress(as_json))
    lines = [f"Teacher {out['teacher_accuracy']:.1%} on {out['n_test']} test texts; {out['flip_rate']:.0%} of texts "
             f"flipped, median edit {out['median_edit_fraction']:.0%} of the words."]
    for k in out["arms"]["kd"]:
        lines.append(f"k = {k:>3}: " + ", ".join(
            f"{arm} {out['arms'][arm][k]['mean']:.1%}" for arm in ARMS if k in out["arms"][arm]))
    _say(out, as_json, "\n".join([*lines, f"{out['seconds']['total']} s"]))


@app.command("import")
def import_(path: Annotated[Path, typer.Argument(help="CSV, TSV, XLSX, JSONL or TXT file, or an exported bundle (.zip).")],
            labels: Annotated[str, typer.Option(help="The project's labels, separated by commas (new project).")] = "",
            project: Annotated[str, typer.Option(help="Id of an existing project to add to.")] = "",
            name: Annotated[str, typer.Option(help="Name of a new project.")] = "",
            role: Annotated[str, typer.Option(help="What the rows are: labelled, test, unlabelled or pairs.")] = "labelled",
            text_column: Annotated[str, typer.Option(help="Column with the text, where it is not found.")] = "",
            label_column: Annotated[str, typer.Option(help="Column with the label, where it is not found.")] = "",
            keep: Annotated[str, typer.Option(help="Other columns to keep, separated by commas; none by default.")] = "",
            as_json: AsJson = False, home: Home = None) -> None:
    """Read a file of texts into a project (a new one where --project is not given). Prints the project's id."""
    import hashlib
    from dataclasses import replace

    from cod_core.data.tables import guess_columns, read_table
    from cod_core.errors import BadInput

    if not path.is_file():
        raise BadInput(f"There is no file {path}. Check the name.")
    w, data = _workspace(home), path.read_bytes()
    if path.suffix == ".zip":
        pid = w.import_bundle(project or None, data)
        return _say({"project": pid}, as_json, f"Project {pid} restored from {path.name}.")
    table = read_table(path.name, data)
    if role == "pairs":
        found = w.import_counterfactuals(project, table, name=path.name)
        out = {**found, "project": project, "problems": _problems(found["problems"])}
        return _say(out, as_json, f"{found['added']} counterfactuals added, {found['flipped']} flip the teacher, "
                                  f"{len(found['problems'])} rows left out.")
    columns = guess_columns(table)
    chosen = {k: v for k, v in (("text", text_column), ("label", label_column)) if v}
    columns = replace(columns, **chosen)
    if not project:
        wanted = tuple(label.strip() for label in labels.split(",") if label.strip())
        project = w.create_project(name or path.stem, Task(name or path.stem, wanted))
    found = w.import_table(project, table, columns, role, None, [c for c in keep.split(",") if c],
                           hashlib.sha256(data).hexdigest(), path.name)
    out = {"project": project, "added": len(found.examples), "problems": _problems(found.problems)}
    listed = "".join(f"\n  row {p.row}: {p.message}" for p in found.problems[:20])
    _say(out, as_json, f"Project {project}: {len(found.examples)} texts, {len(found.problems)} rows left out.{listed}")


@app.command()
def teacher(project: str, choice: Annotated[str, typer.Argument(help="builtin:movies, builtin:amazon, builtin:tweets, "
            "hf:NAME-OR-FOLDER, llm:MODEL, finetune, or show.")] = "show",
            base_url: Annotated[str, typer.Option(help="Endpoint of an LLM teacher; its key comes from COD_LLM_KEY.")] = "",
            label_map: Annotated[str, typer.Option(help='For hf: JSON such as {"LABEL_0": "complaint"}.')] = "",
            encoder: Annotated[str, typer.Option(help="For finetune: encoder to start from.")] = "",
            as_json: AsJson = False, home: Home = None) -> None:
    """Choose the teacher of a project, or show how well it does on your own labelled texts."""
    w = _workspace(home)
    kind, _, name = choice.partition(":")
    trained: dict = {}
    if kind == "finetune":
        trained = w.finetune_teacher(project, {"encoder": encoder}, _progress(as_json))
    elif kind == "builtin":
        w.set_teacher(project, {"kind": "builtin", "name": name})
    elif kind == "hf":
        w.set_teacher(project, {"kind": "transformers", "name": name,
                                "label_map": json.loads(label_map) if label_map else None})
    elif kind == "llm":
        w.set_teacher(project, {"kind": "llm", "base_url": base_url or "https://api.openai.com/v1", "model": name},
                      os.environ.get("COD_LLM_KEY"))
    elif kind != "show":
        raise typer.BadParameter(f"unknown teacher {choice!r}; see --help")
    report = w.teacher_report(project)
    out = {"teacher": report.name, "revision": report.revision, "accuracy": report.accuracy, "n": report.n,
           "left_out": report.n_left_out, "disagreements": len(report.disagreements), **({"trained": trained} if trained else {})}
    said = f"{report.accuracy:.1%} right on {report.n} of your texts." if report.accuracy is not None else report.note
    _say(out, as_json, f"{report.name}: {said}")


@app.command()
def generate(project: str, k: Annotated[int, typer.Option(help="How many texts to propose for, balanced over labels.")] = 16,
             generator: Annotated[str, typer.Option(help="search (no network) or llm.")] = "search",
             n: Annotated[int, typer.Option(help="Alternatives a text.")] = 4,
             base_url: Annotated[str, typer.Option(help="For llm: endpoint; the key comes from COD_LLM_KEY.")] = "",
             model: Annotated[str, typer.Option(help="For llm: model name.")] = "",
             plan: Annotated[bool, typer.Option("--plan", help="For llm: only say what would be sent, where to, and its cost.")] = False,
             accept: Annotated[bool, typer.Option("--accept", help="Accept the best verified proposal of each undecided text.")] = False,
             as_json: AsJson = False, home: Home = None) -> None:
    """Propose counterfactuals and let the teacher verify each; --accept keeps them without a person."""
    w = _workspace(home)
    params = {"k": k, "generator": generator, "n": n, "llm": {"base_url": base_url, "model": model}}
    if plan:
        found = w.plan_llm(project, params)
        return _say(asdict(found), as_json, "\n".join(f"{key}: {value}" for key, value in asdict(found).items()))
    out = w.generate(project, params, _progress(as_json), os.environ.get("COD_LLM_KEY"))
    out["accepted"] = w.accept_unattended(project) if accept else 0
    _say(out, as_json, f"{out['flipped']} of {out['texts']} texts have a counterfactual that flips the teacher; "
                       f"{out['accepted']} accepted now.")


@app.command()
def distill(project: str, shots: Annotated[str, typer.Option(help="Training rows, such as 8,16,32; all that fit where empty.")] = "",
            seeds: Annotated[int, typer.Option(help="Draws an arm.")] = 20,
            student: Annotated[str, typer.Option(help="linear (seconds) or finetuned (minutes).")] = "linear",
            method: Annotated[str, typer.Option(help="kd, lwd or ted (the last two for fine-tuned students).")] = "kd",
            layers: Annotated[str, typer.Option(help="For finetuned: layers kept, such as 1,3,5.")] = "",
            as_json: AsJson = False, home: Home = None) -> None:
    """Train students with and without the accepted counterfactuals and say what these bought."""
    w = _workspace(home)
    params = {"student": student, "seeds": seeds, "method": method, "shots": [int(k) for k in shots.split(",") if k],
              "layers": [int(i) for i in layers.split(",") if i] or None}
    w.distill(project, params, _progress(as_json))
    found = w.results(project)
    out = {"sentence": found.sentence, "effects": found.effects, "table": found.table, "left_out": found.messages}
    _say(out, as_json, "\n".join([e["sentence"] for e in found.effects] or [found.sentence]))


@app.command()
def export(project: str, path: Annotated[Path, typer.Argument(help="bundle.zip, set.jsonl, or student.zip with --student.")],
           student: Annotated[bool, typer.Option("--student", help="Export the student instead of the set.")] = False,
           rejected: Annotated[bool, typer.Option("--rejected", help="Add rejected.jsonl to the bundle.")] = False,
           as_json: AsJson = False, home: Home = None) -> None:
    """Write the curated set (a bundle, or plain JSON lines) or the student to a file."""
    w = _workspace(home)
    if student:
        data = w.export_student(project)
    else:
        data = w.export_jsonl(project) if path.suffix == ".jsonl" else w.export_bundle(project, rejected)
    try:
        path.write_bytes(data)
    except OSError as error:
        raise CodError(f"{path} could not be written ({error.strerror}). Choose another place.") from error
    out = {"path": str(path), "bytes": len(data), **w.export_counts(project)}
    _say(out, as_json, f"{path}: {len(data):,} bytes, {out['exported']} pairs.")


@app.command()
def projects(as_json: AsJson = False, home: Home = None) -> None:
    """List the projects with their ids."""
    found = [{"id": p.id, "name": p.name, "labels": list(p.task.labels)} for p in _workspace(home).projects()]
    _say(found, as_json, "\n".join(f"{p['id']}  {p['name']}  ({', '.join(p['labels'])})" for p in found) or "No projects yet.")


def main() -> int:
    """Run a command; a CodError becomes its message on standard error and exit code 1."""
    logging.getLogger("transformers").setLevel(logging.ERROR)
    try:
        app()
    except CodError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
