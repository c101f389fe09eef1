"""`teacher`: choose it, or see how well it does."""

import json
import os
from typing import Annotated

import typer

from cod_core.commands.shell import AsJson, Home, app, open_workspace, progress_line, say


@app.command()
def teacher(project: str, choice: Annotated[str, typer.Argument(help="builtin:movies, builtin:amazon, builtin:tweets, "
            "hf:NAME-OR-FOLDER, llm:MODEL, local:MODEL, finetune, or show.")] = "show",
            base_url: Annotated[str, typer.Option(help="Endpoint of an LLM teacher; its key comes from COD_LLM_KEY.")] = "",
            calibrate: Annotated[bool, typer.Option("--calibrate", help="For llm: correct for what it says to no text.")] = False,
            label_map: Annotated[str, typer.Option(help='For hf: JSON such as {"LABEL_0": "complaint"}.')] = "",
            encoder: Annotated[str, typer.Option(help="For finetune: encoder to start from.")] = "",
            as_json: AsJson = False, home: Home = None) -> None:
    """Choose the teacher of a project, or show how well it does on your own labelled texts."""
    w = open_workspace(home)
    kind, _, name = choice.partition(":")
    trained: dict = {}
    if kind == "finetune":
        trained = w.finetune_teacher(project, {"encoder": encoder}, progress_line(as_json))
    elif kind == "builtin":
        w.set_teacher(project, {"kind": "builtin", "name": name})
    elif kind == "hf":
        w.set_teacher(project, {"kind": "transformers", "name": name,
                                "label_map": json.loads(label_map) if label_map else None})
    elif kind == "llm":
        w.set_teacher(project, {"kind": "llm", "base_url": base_url or "https://api.openai.com/v1", "model": name,
                                "calibrate": calibrate}, os.environ.get("COD_LLM_KEY"))
    elif kind == "local":
        w.set_teacher(project, {"kind": "llm", "local": name, "calibrate": calibrate})
    elif kind != "show":
        raise typer.BadParameter(f"unknown teacher {choice!r}; see --help")
    report = w.teacher_report(project)
    out = {"teacher": report.name, "revision": report.revision, "accuracy": report.accuracy, "n": report.n,
           "left_out": report.n_left_out, "disagreements": len(report.disagreements), **({"trained": trained} if trained else {}),
           **({"unanswered": report.unanswered, "covered": report.covered} if report.kind == "llm" else {})}
    said = f"{report.accuracy:.1%} right on {report.n} of your texts." if report.accuracy is not None else report.note
    say(out, as_json, f"{report.name}: {said}")
