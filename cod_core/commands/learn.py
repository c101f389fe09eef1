"""`distill`: students with and without the counterfactuals."""

from typing import Annotated

import typer

from cod_core.commands.shell import AsJson, Home, app, open_workspace, progress_line, say


@app.command()
def distill(project: str, shots: Annotated[str, typer.Option(help="Training rows, such as 8,16,32; all that fit where empty.")] = "",
            seeds: Annotated[int, typer.Option(help="Draws an arm.")] = 20,
            student: Annotated[str, typer.Option(help="linear (seconds) or finetuned (minutes).")] = "linear",
            method: Annotated[str, typer.Option(help="kd, lwd or ted (the last two for fine-tuned students).")] = "kd",
            layers: Annotated[str, typer.Option(help="For finetuned: layers kept, such as 1,3,5.")] = "",
            as_json: AsJson = False, home: Home = None) -> None:
    """Train students with and without the accepted counterfactuals and say what these bought."""
    w = open_workspace(home)
    params = {"student": student, "seeds": seeds, "method": method, "shots": [int(k) for k in shots.split(",") if k],
              "layers": [int(i) for i in layers.split(",") if i] or None}
    w.distill(project, params, progress_line(as_json))
    found = w.results(project)
    out = {"sentence": found.sentence, "effects": found.effects, "table": found.table, "left_out": found.messages}
    say(out, as_json, "\n".join([e["sentence"] for e in found.effects] or [found.sentence]))
