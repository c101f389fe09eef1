"""`teacher`: choose it, or see how well it does."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cod_core.commands.models import Calls, Service, Temperature, Without, address, how
from cod_core.commands.shell import PARTLY, AsJson, Home, app, json_map, note_waiting, open_workspace, progress_line, say
from cod_core.errors import BadInput
from cod_core.models.choice import BuiltinChoice, FinetuneOptions, TeacherChoice, read_choice

if TYPE_CHECKING:
    from cod_core.diagnostics.by_class import OfLabel
    from cod_core.project.project import Project
    from cod_core.project.teacher.repair import TaughtReport
    from cod_core.project.teacher.training import TrainingReport
    from cod_core.project.teacher.trust import TeacherReport

MOST_NAMED = 5  # texts without an answer that are named


@app.command()
def teacher(
    project: str,
    choice: Annotated[
        str,
        typer.Argument(
            help="builtin:movies, builtin:amazon, builtin:tweets, builtin:news, "
            "hf:NAME-OR-FOLDER, llm:MODEL, local:MODEL, answers:MODEL, finetune, teach: by the labels and texts that you corrected, "
            "take: the teacher that was taught, show or report, or confirm: a restored project's teacher may be loaded, "
            "or texts may go to its model at --base-url."
        ),
    ] = "show",
    base_url: Annotated[str, typer.Option(help="Endpoint of an LLM teacher; its key comes from COD_LLM_KEY.")] = "",
    service: Service = "",
    temperature: Temperature = None,
    without: Without = "",
    calls: Calls = None,
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
    epochs: Annotated[
        int | None, typer.Option(help="For finetune: exactly so many rounds over the texts, in place of until it has learnt.", min=1)
    ] = None,
    minutes: Annotated[float | None, typer.Option(help="For finetune: the most minutes that it may take to learn.", min=0)] = None,
    as_json: AsJson = False,
    home: Home = None,
) -> None:
    """Choose the teacher of a project, or show how well it does on your own labelled texts.

    answers:MODEL makes the texts prompts: the model on this computer answers each, and --judge reads the answer.
    Exit code 3: it is chosen, and none of its answers could be read.
    """
    kind, _, name = choice.partition(":")
    if kind in ("hf", "llm", "local") and not name.strip():
        raise typer.BadParameter(f"name the model after the colon, as in {kind}:NAME")
    w, mapped = open_workspace(home), json_map(label_map)
    if kind == "confirm":
        return _confirm(w.project(project), base_url, as_json)
    opened, trained = w.project(project), None
    if kind == "teach":
        return _say_taught(opened.repair.teach(FinetuneOptions.of({"encoder": encoder}), progress_line(as_json)), as_json)
    if kind == "finetune":
        trained = opened.training.finetune(
            FinetuneOptions.of({"encoder": encoder, "epochs": epochs, "minutes": minutes}), progress_line(as_json)
        )
    elif kind == "take":
        _take(opened)
    elif kind not in ("show", "report"):
        answers = {"judge": _judge(judge, mapped), "max_tokens": max_tokens, "samples": samples}
        at = {"base_url": address(service, base_url), **how(temperature, without, calls)} if kind == "llm" else {}
        opened.teacher.choose(_choice(choice, at, calibrate, mapped, answers))
    labelled = opened.answers.label_prompts(progress_line(as_json)) if label_prompts else {}
    report = opened.trust.report()
    note_waiting(opened)
    _say_report(report, trained, labelled, as_json)


def _take(project: "Project") -> None:
    """Use the teacher that was taught last."""
    report = project.repair.taught()
    if report is None:
        raise BadInput("No teacher has been taught in this project yet. Run the command with teach first.")
    project.repair.take(report)


def _say_taught(report: "TaughtReport", as_json: bool) -> None:
    """What the taught teacher would change; it is not in use yet."""
    told = "There are no labelled test texts to compare it on."
    if report.accuracy is not None:
        told = f"It is right on {report.accuracy[1]:.1%} of {report.measured_on}; the teacher in use on {report.accuracy[0]:.1%}."
    pairs = f" Of {report.pairs} accepted pairs, {report.lost} no longer flip." if report.pairs else ""
    out = {key: value for key, value in report.to_json().items() if key != "trained_on"}
    say(out, as_json, f"The teacher learnt from {report.rows} texts. {told}{pairs} To use it, run the command with take.")


def _confirm(project: "Project", base_url: str, as_json: bool) -> None:
    """What came with a backup may be used: texts may go to the address, or, where none is given, the teacher may be loaded."""
    if not base_url:
        if project.endpoints.unconfirmed():
            raise typer.BadParameter("confirm needs the address: --base-url")
        project.teacher.confirm()
        return say({"confirmed": "teacher"}, as_json, "The teacher that came with the backup is used now.")
    project.endpoints.confirm(base_url)
    say({"confirmed": base_url}, as_json, f"Texts of this project may be sent to {base_url} now.")


def _choice(choice: str, at: dict[str, Any], calibrate: bool, mapped: dict[str, str] | None, answers: dict[str, Any]) -> TeacherChoice:
    """What KIND:NAME and the options beside it name. at: of a model at an address. answers: judge,
    max_tokens, samples. Wrong use where the kind is unknown."""
    kind, _, name = choice.partition(":")
    if kind == "builtin":
        return BuiltinChoice(name)
    if kind == "hf":
        return read_choice({"kind": "transformers", "name": name, "label_map": mapped})
    if kind == "llm":
        return read_choice({"kind": "llm", "model": name, "calibrate": calibrate, **at})
    if kind == "local":
        return read_choice({"kind": "llm", "local": name, "calibrate": calibrate})
    if kind == "answers":
        return read_choice({"kind": "generative", "local": name, **answers})
    raise typer.BadParameter(f"unknown teacher {choice!r}; see --help")


def _judge(judge: str, mapped: dict[str, str] | None) -> dict[str, Any]:
    """What --judge names, as read_choice takes it."""
    kind, _, name = judge.partition(":")
    return {"kind": {"hf": "transformers"}.get(kind, kind), "name": name, "label_map": mapped}


def _say_report(report: "TeacherReport", trained: "TrainingReport | None", labelled: dict[str, int], as_json: bool) -> None:
    """How well the teacher does. labelled: what label_prompts did, {} where it was not asked for."""
    out = {
        "teacher": report.name,
        "revision": report.revision,
        "accuracy": report.accuracy,
        "n": report.n,
        "left_out": report.n_left_out,
        "disagreements": len(report.disagreements),
        "labels": [_of_label(one) for one in report.by_class.of] if report.by_class else [],
        "mixed_up": [{"said": s, "labelled": g, "texts": n} for s, g, n in report.by_class.mixed_up()] if report.by_class else [],
        "sentences": report.sentences,
        "ece": report.calibration.ece if report.calibration else None,
        **({"trained": trained.to_json()} if trained else {}),
        **({"unanswered": report.unanswered, "covered": report.covered} if report.kind in ("llm", "generative") else {}),
        **({"lost": [{"id": e.id, "text": e.text[:200], "why": why} for e, why in report.lost]} if report.lost else {}),
        **labelled,
    }
    result = _of_prompts(labelled) if labelled else _in_words(report, trained)
    say(out, as_json, f"{report.name}: {result}")
    if report.unanswered and report.accuracy is None and not labelled:
        raise typer.Exit(PARTLY)


def _of_prompts(labelled: dict[str, int]) -> str:
    apart = labelled["apart"]
    without = f" {apart} stay without: their words or source stand on another side of the split." if apart else ""
    return f"{labelled['labelled']} texts have the label of their answer now.{without}"


def _in_words(report: "TeacherReport", trained: "TrainingReport | None") -> str:
    """How well it does, the texts without an answer first: a share of the others alone would say too much."""
    share = f"{report.accuracy:.1%} right on {report.n} of your texts." if report.accuracy is not None else report.note
    whys = [f"  “{e.text[:60]}”: {why}" for e, why in report.lost[:MOST_NAMED]]
    told = [f"{report.right or share} {report.warning}", *whys, *report.sentences, report.mistake, trained.how if trained else ""]
    return "\n".join(line.strip() for line in told if line.strip())


def _of_label(one: "OfLabel") -> dict[str, Any]:
    return {"label": one.label, "texts": one.n, "right": one.right, "recall": asdict(one.recall), "precision": asdict(one.precision)}
