"""`teacher`: choose it, or see how well it does."""

import json
import os
from typing import Annotated

import typer

from cod_core.commands.shell import AsJson, Home, app, open_workspace, progress_line, say


@app.command()
def teacher(project: str, choice: Annotated[str, typer.Argument(help="builtin:movies, builtin:amazon, builtin:tweets, "
            "hf:NAME-OR-FOLDER, llm:MODEL, local:MODEL, answers:MODEL, finetune, or show.")] = "show",
            base_url: Annotated[str, typer.Option(help="Endpoint of an LLM teacher; its key comes from COD_LLM_KEY.")] = "",
            calibrate: Annotated[bool, typer.Option("--calibrate", help="For llm: correct for what it says to no text.")] = False,
            label_map: Annotated[str, typer.Option(help='For hf: JSON such as {"LABEL_0": "complaint"}.')] = "",
            judge: Annotated[str, typer.Option(help="For answers: what judges them, builtin:movies or hf:NAME-OR-FOLDER.")] = "",
            max_tokens: Annotated[int, typer.Option(help="For answers: most tokens of one.")] = 24,
            samples: Annotated[int, typer.Option(help="For answers: how many to a prompt; 1 takes the likeliest words.")] = 1,
            label_prompts: Annotated[bool, typer.Option("--label-prompts", help="For answers: let the model answer the texts "
                                     "without a label; each gets the label of its answer.")] = False,
            encoder: Annotated[str, typer.Option(help="For finetune: encoder to start from.")] = "",
            as_json: AsJson = False, home: Home = None) -> None:
    """Choose the teacher of a project, or show how well it does on your own labelled texts.

    answers:MODEL makes the texts prompts: the model on this computer answers each, and --judge reads the answer.
    """
    w = open_workspace(home)
    kind, _, name = choice.partition(":")
    trained: dict = {}
    mapped = json.loads(label_map) if label_map else None
    if kind == "finetune":
        trained = w.finetune_teacher(project, {"encoder": encoder}, progress_line(as_json))
    elif kind == "builtin":
        w.set_teacher(project, {"kind": "builtin", "name": name})
    elif kind == "hf":
        w.set_teacher(project, {"kind": "transformers", "name": name, "label_map": mapped})
    elif kind == "llm":
        w.set_teacher(project, {"kind": "llm", "base_url": base_url or "https://api.openai.com/v1", "model": name,
                                "calibrate": calibrate}, os.environ.get("COD_LLM_KEY"))
    elif kind == "local":
        w.set_teacher(project, {"kind": "llm", "local": name, "calibrate": calibrate})
    elif kind == "answers":
        sort, _, its_name = judge.partition(":")
        w.set_teacher(project, {"kind": "generative", "local": name, "max_tokens": max_tokens, "samples": samples, "judge": {
            "kind": {"hf": "transformers"}.get(sort, sort), "name": its_name, "label_map": mapped}})
    elif kind != "show":
        raise typer.BadParameter(f"unknown teacher {choice!r}; see --help")
    labelled = w.label_prompts(project, progress_line(as_json)) if label_prompts else {}
    report = w.teacher_report(project)
    out = {"teacher": report.name, "revision": report.revision, "accuracy": report.accuracy, "n": report.n,
           "left_out": report.n_left_out, "disagreements": len(report.disagreements), **({"trained": trained} if trained else {}),
           **({"unanswered": report.unanswered, "covered": report.covered} if report.kind in ("llm", "generative") else {}),
           **labelled}
    if labelled:
        said = f"{labelled['labelled']} texts have the label of their answer now."
        return say(out, as_json, f"{report.name}: {said}")
    said = f"{report.accuracy:.1%} right on {report.n} of your texts." if report.accuracy is not None else report.note
    said = f"{said} {report.warning}".strip()
    say(out, as_json, f"{report.name}: {said}")
