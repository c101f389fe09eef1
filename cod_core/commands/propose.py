"""`generate`: counterfactuals proposed and verified."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from cod_core.commands.models import Calls, Service, Temperature, Without, address, how
from cod_core.commands.shell import PARTLY, AsJson, Home, app, open_workspace, progress_line, say, split
from cod_core.counterfactuals.options import GenerateRequest

if TYPE_CHECKING:
    from cod_core.project.proposals.llm_run import LlmReport
    from cod_core.project.proposals.search import SearchReport


@app.command()
def generate(
    project: str,
    k: Annotated[int, typer.Option(help="How many texts to propose for, balanced over labels.", min=1)] = 16,
    generator: Annotated[str, typer.Option(help="search (no network) or llm.")] = "search",
    n: Annotated[int, typer.Option(help="Alternatives a text.", min=1)] = 4,
    base_url: Annotated[str, typer.Option(help="For llm: endpoint; the key comes from COD_LLM_KEY.")] = "",
    service: Service = "",
    model: Annotated[str, typer.Option(help="For llm: model name.")] = "",
    temperature: Temperature = None,
    without: Without = "",
    calls: Calls = None,
    local: Annotated[str, typer.Option(help="For llm: a model on this computer instead: name, folder or .gguf.")] = "",
    template: Annotated[str, typer.Option(help="For llm: prompt, such as base; see the command prompts.")] = "",
    repair: Annotated[int, typer.Option(help="For llm: rounds after the first, where nothing flips.", min=0, max=3)] = 0,
    batch: Annotated[
        bool, typer.Option("--batch", help="For llm: send all requests together; answered within a day, at half the price (OpenAI, Groq).")
    ] = False,
    plan: Annotated[bool, typer.Option("--plan", help="For llm: only say what would be sent, where to, and its cost.")] = False,
    targets: Annotated[str, typer.Option(help="'in turn', nearest, a label to reach, or for search: all.")] = "in turn",
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
    by: Annotated[
        str,
        typer.Option(
            help="For search: best (words and pieces of your own texts compete; only what judges accept), words, splices, or "
            "anything (any small change that flips)."
        ),
    ] = "anything",
    missing: Annotated[bool, typer.Option("--missing", help="For search: only texts that have no flip yet.")] = False,
    encoder: Annotated[str, typer.Option(help="For search: encoder for related words, such as a multilingual one.")] = "",
    label: Annotated[
        list[str] | None, typer.Option(help="Only texts of this label that nothing was proposed for; may be given again.")
    ] = None,
    accept: Annotated[bool, typer.Option("--accept", help="Accept the best verified proposal of each undecided text.")] = False,
    as_json: AsJson = False,
    home: Home = None,
) -> None:
    """Propose counterfactuals and let the teacher verify each; --accept keeps them without a person.

    Exit code 3: done, but some texts have no proposal.
    """
    asks = plan or generator == "llm"
    asked = {"local": local} if local else {"base_url": address(service, base_url) if asks else base_url, "model": model}
    asked |= how(temperature, without, calls)
    opened = open_workspace(home).project(project)
    request = GenerateRequest.of(
        {
            "k": k,
            "generator": generator,
            "n": n,
            "labels": label,
            "template": template,
            "repair": repair,
            "batch": batch,
            "llm": asked,
            "targets": targets,
            "frozen": split(frozen),
            "sources": split(sources),
            "budget": budget,
            "confidence": confidence,
            "at_least": sure,
            "second": second,
            "encoder": encoder,
            "by": by,
            "missing": missing,
        }
    )
    if plan:
        planned = asdict(opened.llm.plan(request))
        return say(planned, as_json, "\n".join(f"{key}: {value}" for key, value in planned.items()))
    report = opened.proposals.generate(request, progress_line(as_json))
    accepted = opened.curation.accept_unattended() if accept else 0
    done = f"{report.flipped} of {report.texts} texts have a counterfactual that flips the teacher; {accepted} accepted now."
    say({**report.to_json(), "accepted": accepted}, as_json, "\n".join([done, *said_of(report)]))
    if report.without_proposal:
        raise typer.Exit(PARTLY)


def said_of(report: "SearchReport | LlmReport") -> list[str]:
    """What the app says of a run beside its numbers: replies lost and why, texts without a proposal."""
    none = f"{report.without_proposal} of {report.texts} texts have no proposal." if report.without_proposal else ""
    return [line for line in (none, *getattr(report, "messages", ()), getattr(report, "advice", "")) if line]
