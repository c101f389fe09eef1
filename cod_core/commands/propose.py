"""`generate`: counterfactuals proposed and verified."""

from dataclasses import asdict
from typing import Annotated

import typer

from cod_core.commands.shell import AsJson, Home, app, endpoint, open_workspace, progress_line, say, split
from cod_core.counterfactuals.options import GenerateRequest


@app.command()
def generate(
    project: str,
    k: Annotated[int, typer.Option(help="How many texts to propose for, balanced over labels.", min=1)] = 16,
    generator: Annotated[str, typer.Option(help="search (no network) or llm.")] = "search",
    n: Annotated[int, typer.Option(help="Alternatives a text.", min=1)] = 4,
    base_url: Annotated[str, typer.Option(help="For llm: endpoint; the key comes from COD_LLM_KEY.")] = "",
    model: Annotated[str, typer.Option(help="For llm: model name.")] = "",
    local: Annotated[str, typer.Option(help="For llm: a model on this computer instead: name, folder or .gguf.")] = "",
    template: Annotated[str, typer.Option(help="For llm: prompt, such as base; see the command prompts.")] = "",
    repair: Annotated[int, typer.Option(help="For llm: second tries where nothing flips.", min=0)] = 0,
    plan: Annotated[bool, typer.Option("--plan", help="For llm: only say what would be sent, where to, and its cost.")] = False,
    targets: Annotated[str, typer.Option(help="For search: 'in turn', nearest, all, or a label to reach.")] = "in turn",
    frozen: Annotated[str, typer.Option(help="For search: words and phrases that must stay, comma-separated.")] = "",
    sources: Annotated[str, typer.Option(help="For search: candidate sources, comma-separated; all where empty.")] = "",
    budget: Annotated[
        int,
        typer.Option(
            help="For search: texts the teacher may score for one text; 0 for the usual 400, or 48 where a model has to answer each.", min=0
        ),
    ] = 0,
    confidence: Annotated[bool, typer.Option("--confidence", help="For search: offer flips near the boundary first.")] = False,
    sure: Annotated[
        float,
        typer.Option(
            help="For search: how sure of the target the teacher must be, such as 0.9; more edits are made for it. 0: any flip.",
            min=0.0,
            max=1.0,
        ),
    ] = 0.0,
    second: Annotated[
        bool,
        typer.Option(
            "--second-judge",
            help="For search: a line through the students' encoder that follows the teacher has to share each flip; best with --sure .95.",
        ),
    ] = False,
    encoder: Annotated[str, typer.Option(help="For search: encoder for related words, such as a multilingual one.")] = "",
    accept: Annotated[bool, typer.Option("--accept", help="Accept the best verified proposal of each undecided text.")] = False,
    as_json: AsJson = False,
    home: Home = None,
) -> None:
    """Propose counterfactuals and let the teacher verify each; --accept keeps them without a person."""
    asked = {"local": local} if local else {"base_url": base_url, "model": model}
    if "base_url" in asked and (plan or generator == "llm"):
        endpoint(base_url)
    opened = open_workspace(home).project(project)
    request = GenerateRequest.of(
        {
            "k": k,
            "generator": generator,
            "n": n,
            "template": template,
            "repair": repair,
            "llm": asked,
            "targets": targets,
            "frozen": split(frozen),
            "sources": split(sources),
            "budget": budget,
            "confidence": confidence,
            "at_least": sure,
            "second": second,
            "encoder": encoder,
        }
    )
    if plan:
        planned = asdict(opened.llm.plan(request))
        return say(planned, as_json, "\n".join(f"{key}: {value}" for key, value in planned.items()))
    report = opened.proposals.generate(request, progress_line(as_json))
    accepted = opened.curation.accept_unattended() if accept else 0
    say(
        {**report.to_json(), "accepted": accepted},
        as_json,
        f"{report.flipped} of {report.texts} texts have a counterfactual that flips the teacher; {accepted} accepted now.",
    )
