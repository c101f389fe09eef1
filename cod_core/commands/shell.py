"""What the commands share: the app, the options every command has, how a result is said."""

import json
import sys
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cod_core import __version__
from cod_core.errors import BadInput, CodError
from cod_core.progress import Progress
from cod_core.text import CONTROL

if TYPE_CHECKING:
    from cod_core.data.reading import Problem
    from cod_core.project.project import Project
    from cod_core.workspace import Workspace

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Counterfactual curation for few-shot distillation, without a browser.",
)
PARTLY = 3  # exit code: done, but not all that was asked for could be compared
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output and nothing else.")]
Home = Annotated[str | None, typer.Option("--home", help="Data folder; COD_HOME or the usual place where not given.")]


def _version(asked: bool) -> None:
    if asked:
        print(f"cod {__version__}")
        raise typer.Exit()


@app.callback()
def common(
    version: Annotated[bool, typer.Option("--version", help="Print the version and end.", callback=_version, is_eager=True)] = False,
) -> None:
    pass


def open_workspace(home: str | None, project: str | None = None) -> "Workspace":
    """The workspace in `home`, or where COD_HOME says. Raises BadInput where it has no such project."""
    from cod_core.workspace import Workspace

    opened = Workspace(home)
    if project is not None:
        opened.project(project)
    return opened


def endpoint(base_url: str) -> str:
    """The address that --base-url names. Wrong use where it is missing: texts go nowhere that nobody named."""
    if not base_url.strip():
        raise typer.BadParameter(
            "Give --base-url, the address of the model, such as http://localhost:11434/v1. Nothing is sent anywhere that you did not name."
        )
    return base_url


def split(value: str) -> list[str]:
    """Comma-separated parts without blanks around them; empty ones left out."""
    return [part.strip() for part in value.split(",") if part.strip()]


def whole_numbers(value: str, option: str) -> list[int]:
    """Comma-separated whole numbers. Wrong use of `option` where one is none."""
    try:
        return [int(part) for part in split(value)]
    except ValueError:
        raise typer.BadParameter(f"write {option} as whole numbers with commas between them, such as 8,16,32; got {value!r}") from None


def json_map(value: str, option: str = "--label-map") -> dict[str, str] | None:
    """A JSON object from names to names; None where nothing is given. Raises BadInput where it is something else."""
    example = '{"0": "complaint", "1": "praise"}'
    try:
        names = json.loads(value) if value else None
    except ValueError as error:
        raise BadInput(f"{option} is not JSON ({error}). Write it like {example}.") from error
    if names is not None and not (isinstance(names, dict) and all(isinstance(name, str) for name in names.values())):
        raise BadInput(f"{option} must be an object from names to names, such as {example}.")
    return names


def progress_line(quiet: bool) -> Progress:
    """Progress on standard error, one line rewritten; nothing where it is not a terminal."""

    def report(done: int, total: int, message: str = "") -> None:
        if not quiet and sys.stderr.isatty():
            print(f"\r{message} {done}/{total}   ", end="" if done < total else "\n", file=sys.stderr, flush=True)

    return report


def say(value: Any, as_json: bool, plain: str) -> None:
    """Print `value` as one JSON object, or the plain words for a person."""
    print(CONTROL.sub("", json.dumps(value, ensure_ascii=False) if as_json else plain))  # a text must not speak to the terminal


def note_waiting(project: "Project") -> str:
    """Say on standard error what has to happen before decisions count, with the command; the sentence, "" where nothing has to."""
    waiting = project.pairs.waiting()
    if waiting:
        again = f" (python -m cod_core curate {project.id} --check-again)" if project.teacher.choice() else ""
        print(f"Note: {waiting}{again}", file=sys.stderr)
    return waiting


def write(path: Path, data: bytes) -> None:
    """Write a file that the person named, whole or not at all. Raises CodError where that is not possible."""
    from cod_core.project.filing import write_whole

    try:
        if path.exists() and not path.is_file():
            path.write_bytes(data)  # a pipe or a device
        else:
            write_whole(path, lambda part: part.write_bytes(data))
    except OSError as error:
        raise CodError(f"{path} could not be written ({error.strerror}). Choose another place.") from error


def as_rows(problems: Iterable["Problem"]) -> list[dict[str, Any]]:
    """Problem rows as plain dictionaries."""
    return [asdict(p) for p in problems]
