"""`compare-exports`: what became of the pairs between two exported sets."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cod_core.commands import files
from cod_core.commands.shell import AsJson, app, say

if TYPE_CHECKING:
    from cod_core.export.changes import Changes, Pair

SHOWN = 20  # pairs that are printed
WIDTH = 70  # characters of a text


@app.command("compare-exports")
def compare_exports(
    before: Annotated[Path, typer.Argument(help="The earlier export: any file or folder that the command export writes.")],
    after: Annotated[Path, typer.Argument(help="The later one; both may be of different forms.")],
    as_json: AsJson = False,
) -> None:
    """Say which pairs were added, lost and changed between two exported sets."""
    from cod_core.export.changes import changes, read_pairs

    found = changes(*(read_pairs(*files.bytes_of(path)) for path in (before, after)))
    say(asdict(found), as_json, found.said + listed(found))


def listed(found: "Changes") -> str:
    """The pairs that are not the same, a line each; of very many the first."""
    from cod_core.export.changes import PARTS

    pairs = [f"\n  + {_line(pair)}" for pair in found.added]
    pairs += [f"\n  - {_line(pair)}" for pair in found.lost]
    for change in found.changed:
        what = ", ".join(PARTS[part] for part in change.parts)
        pairs.append(f"\n  ~ {what} changed\n      {_line(change.before)}\n      {_line(change.after)}")
    more = len(pairs) - SHOWN
    return "".join(pairs[:SHOWN]) + (f"\n  and {more} more; --json lists them all" if more > 0 else "")


def _line(pair: "Pair") -> str:
    flips = f" (flips: {pair.flips})" if pair.flips else ""
    return f"{_short(pair.text)} [{pair.label}] -> {_short(pair.counterfactual)} [{pair.counterfactual_label}]{flips}"


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= WIDTH else f"{line[: WIDTH - 1]}…"
