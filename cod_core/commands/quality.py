"""`tighten` and `quality`: proposals made smaller, proposals measured."""

from dataclasses import asdict
from typing import Annotated

import typer

from cod_core.commands.shell import AsJson, Home, app, open_workspace, progress_line, say
from cod_core.counterfactuals.options import TightenRequest


@app.command()
def tighten(
    project: str,
    mode: Annotated[str, typer.Option(help="minimal (fewest edits) or confidence (50 to 80 % sure).")] = "minimal",
    as_json: AsJson = False,
    home: Home = None,
) -> None:
    """Take back every edit that a flip does not need; the smaller version stands beside the old one."""
    request = TightenRequest.of({"mode": mode})
    report = open_workspace(home).project(project).tightening.tighten_all(request, progress_line(as_json))
    line = f"{report.tightened} of {report.texts} proposals have a smaller version now."
    if report.tightened:
        line += f" Share of the words changed: {report.fraction_before:.0%} before, {report.fraction_after:.0%} now (medians)."
    say(report.to_json(), as_json, line)


@app.command()
def quality(
    project: str,
    limit: Annotated[list[str] | None, typer.Option(help="Change a limit first, such as edit_fraction_reject=0.4.")] = None,
    as_json: AsJson = False,
    home: Home = None,
) -> None:
    """How good the proposals are, where texts are lost, and the sources side by side."""
    cards = open_workspace(home).project(project).quality
    if limit:
        try:
            cards.set_limits({name: float(value) for name, value in (one.split("=", 1) for one in limit)})
        except ValueError as error:
            raise typer.BadParameter("write a limit as NAME=NUMBER, such as edit_fraction_reject=0.4") from error
    card = cards.card()
    total = asdict(card.total)
    total.pop("flip_rate")  # of the texts with a proposal alone; `flipped` of `tried` counts everybody
    out = {
        "tried": card.tried,
        "flipped": card.flipped,
        "total": total,
        "funnel": [asdict(s) for s in card.stages],
        "limits": asdict(card.limits),
        "sources": [row.as_row() for row in card.sources],
        "fluency_measured_by": card.fluency_judge,
    }
    lines = [card.sentence]
    lines += [f"{stage.name:13s}{stage.n:6d}  {'; '.join(f'{n} x {why}' for why, n in stage.lost.items())}" for stage in card.stages]
    lines += [f"{key.replace('_', ' '):15s}{value if value is not None else '-'}" for key, value in total.items()]
    lines += [f"{row.source}: {row.flipped} of the {row.texts} texts that all sources have flip" for row in card.sources]
    say(out, as_json, "\n".join(lines))
