"""`demo`: the whole main job on a built-in sample."""

from typing import Annotated

import typer

from cod_core.commands.shell import AsJson, Home, app, open_workspace, progress_line, say
from cod_core.types import ARMS


@app.command()
def demo(
    sample: Annotated[str, typer.Option(help="movies, amazon, tweets or news.")] = "movies",
    first_seed: Annotated[int, typer.Option(help="Number of the first draw.")] = 0,
    seeds: Annotated[int, typer.Option(help="How many draws.", min=1)] = 5,
    as_json: AsJson = False,
    home: Home = None,
) -> None:
    """Run the whole main job on a built-in sample: search, verify, distil with and without, measure."""
    from cod_core.workspace.demo import run_demo

    out = run_demo(open_workspace(home), sample, first_seed, seeds, progress=progress_line(as_json))
    lines = [
        f"Teacher {out['teacher_accuracy']:.1%} on {out['n_test']} test texts; {out['flip_rate']:.0%} of texts "
        f"flipped, median edit {out['median_edit_fraction']:.0%} of the words."
    ]
    for k in out["arms"]["kd"]:
        lines.append(f"k = {k:>3}: " + ", ".join(f"{arm} {out['arms'][arm][k]['mean']:.1%}" for arm in ARMS if k in out["arms"][arm]))
    say(out, as_json, "\n".join([*lines, f"{out['seconds']['total']} s"]))
