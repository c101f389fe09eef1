"""`teacher`: choose it, or see how well it does."""

from typing import Annotated

import typer

from cod_core.commands.shell import AsJson, Home, app, endpoint, json_map, open_workspace, progress_line, say


@app.command()
def teacher(
    project: str,
    choice: Annotated[
        str,
        typer.Argument(
            help="builtin:movies, builtin:amazon, builtin:tweets, builtin:news, "
            "hf:NAME-OR-FOLDER, llm:MODEL, local:MODEL, answers:MODEL, finetune, show, or confirm: texts of a restored project may go "
            "to its model at --base-url."
        ),
    ] = "show",
    base_url: Annotated[str, typer.Option(help="Endpoint of an LLM teacher; its key comes from COD_LLM_KEY.")] = "",
    calibrate: Annotated[bool, typer.Option("--calibrate", help="For llm: correct for what it says to no text.")] = False,
    label_map: Annotated[str, typer.Option(help='For hf: JSON such as {"LABEL_0": "complaint"}.')] = "",
    judge: Annotated[str, typer.Option(help="For answers: what judges them, builtin:movies or hf:NAME-OR-FOLDER.")] = "",
    max_tokens: Annotated[int, typer.Option(help="For answers: most tokens of one.", min=1)] = 24,
    samples: Annotated[int, typer.Option(help="For answers: how many to a prompt; 1 takes the likeliest words.", min=1)] = 1,
    label_prompts: Annotated[
        bool,
        typer.Option(
            "--label-prompts", help="For answers: let the model answer the texts without a label; each gets the label of its answer."
        ),
    ] = False,
    encoder: Annotated[str, typer.Option(help="For finetune: encoder to start from.")] = "",
    as_json: AsJson = False,
    home: Home = None,
) -> None:
    """Choose the teacher of a project, or show how well it does on your own labelled texts.

    answers:MODEL makes the texts prompts: the model on this computer answers each, and --judge reads the answer.
    """
    kind, _, name = choice.partition(":")
    if kind in ("hf", "llm", "local") and not name.strip():
        raise typer.BadParameter(f"name the model after the colon, as in {kind}:NAME")
    w = open_workspace(home)
    trained: dict = {}
    mapped = json_map(label_map)
    if kind == "confirm":
        if not base_url:
            raise typer.BadParameter("confirm needs the address: --base-url")
        w.project(project).endpoints.confirm(base_url)
        return say({"confirmed": base_url}, as_json, f"Texts of this project may be sent to {base_url} now.")
    if kind == "finetune":
        trained = w.project(project).training.finetune({"encoder": encoder}, progress_line(as_json))
    elif kind == "builtin":
        w.project(project).teacher.choose({"kind": "builtin", "name": name})
    elif kind == "hf":
        w.project(project).teacher.choose({"kind": "transformers", "name": name, "label_map": mapped})
    elif kind == "llm":
        w.project(project).teacher.choose({"kind": "llm", "base_url": endpoint(base_url), "model": name, "calibrate": calibrate})
    elif kind == "local":
        w.project(project).teacher.choose({"kind": "llm", "local": name, "calibrate": calibrate})
    elif kind == "answers":
        sort, _, its_name = judge.partition(":")
        w.project(project).teacher.choose(
            {
                "kind": "generative",
                "local": name,
                "max_tokens": max_tokens,
                "samples": samples,
                "judge": {"kind": {"hf": "transformers"}.get(sort, sort), "name": its_name, "label_map": mapped},
            }
        )
    elif kind != "show":
        raise typer.BadParameter(f"unknown teacher {choice!r}; see --help")
    labelled = w.project(project).answers.label_prompts(progress_line(as_json)) if label_prompts else {}
    report = w.project(project).trust.report()
    out = {
        "teacher": report.name,
        "revision": report.revision,
        "accuracy": report.accuracy,
        "n": report.n,
        "left_out": report.n_left_out,
        "disagreements": len(report.disagreements),
        **({"trained": trained} if trained else {}),
        **({"unanswered": report.unanswered, "covered": report.covered} if report.kind in ("llm", "generative") else {}),
        **labelled,
    }
    if labelled:
        n = labelled["apart"]
        apart = f" {n} stay without: their words or source stand on another side of the split." if n else ""
        said = f"{labelled['labelled']} texts have the label of their answer now.{apart}"
        return say(out, as_json, f"{report.name}: {said}")
    said = f"{report.accuracy:.1%} right on {report.n} of your texts." if report.accuracy is not None else report.note
    said = f"{said} {report.warning}".strip()
    say(out, as_json, f"{report.name}: {said}")
