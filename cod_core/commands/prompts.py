"""`prompts`: compare prompts of a language model on a sample of texts, and use the best."""

from typing import Annotated

import typer

from cod_core.commands.models import Calls, Service, Temperature, Without, address, how
from cod_core.commands.shell import AsJson, Home, app, open_workspace, progress_line, say, split
from cod_core.counterfactuals.options import StudyRequest
from cod_core.counterfactuals.study import PromptResult


@app.command()
def prompts(
    project: str,
    base_url: Annotated[str, typer.Option(help="Endpoint; its key comes from COD_LLM_KEY.")] = "",
    service: Service = "",
    model: Annotated[str, typer.Option(help="Model name at the endpoint.")] = "",
    temperature: Temperature = None,
    without: Without = "",
    calls: Calls = None,
    local: Annotated[str, typer.Option(help="Instead: a model on this computer, by name, folder or .gguf.")] = "",
    k: Annotated[int, typer.Option(help="Texts to try each prompt on.", min=1)] = 8,
    n: Annotated[int, typer.Option(help="Replies a text.", min=1)] = 2,
    templates: Annotated[str, typer.Option(help="Prompts, comma-separated; all that fit where empty.")] = "",
    use_best: Annotated[bool, typer.Option("--use-best", help="Use the best one from now on.")] = False,
    as_json: AsJson = False,
    home: Home = None,
) -> None:
    """Try prompts on the same texts: flip rate, edit size, similarity, cost. The replies are kept and used again."""
    asked = {"local": local} if local else {"base_url": address(service, base_url), "model": model}
    asked |= how(temperature, without, calls)
    opened = open_workspace(home).project(project)
    request = StudyRequest.of({"k": k, "n": n, "llm": asked, "templates": split(templates)})
    study = opened.prompts.study(request, progress_line(as_json))
    if use_best and study.best:
        opened.llm.use_prompt(study.model, study.best)
    lines = [_line(row) for row in study.rows]
    best = f"Best: {study.best}{', used from now on' if use_best else ''}." if study.best else "None flips the teacher."
    say(study.to_json(), as_json, "\n".join([f"{study.texts} texts, {study.model} at {study.host}", *lines, best]))


def _line(row: PromptResult) -> str:
    edit = "-" if row.edit_fraction is None else f"{row.edit_fraction:.2f}"
    like = "-" if row.similarity is None else f"{row.similarity:.2f}"
    cost = "cost not known" if row.cost_usd is None else f"{row.cost_usd:.4f} USD"
    lost = sum(row.lost.values())
    return (
        f"{row.template:16s} flips {row.flipped:.0%}, small {row.usable:.0%}, edit {edit}, similarity {like}, "
        f"{row.tokens_in + row.tokens_out} tokens, {cost}, {lost} replies lost, {row.unanswered} unanswered"
    )
