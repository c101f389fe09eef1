"""`app`: opens the studio. Knows where its files lie and starts Streamlit on them; imports none of them."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from cod_core.commands.shell import Home, app
from cod_core.errors import CodError

PACKAGE = Path(__file__).resolve().parents[1]


def studio_file(package: Path = PACKAGE) -> Path:
    """app.py: in the package's own folder _studio where it was installed, beside the package in a clone.

    Raises CodError where it is in neither.
    """
    places = (package / "_studio" / "app.py", package.parent / "app.py")
    found = next((place for place in places if place.is_file() and (place.parent / "ui").is_dir()), None)
    if found is None:
        raise CodError(f"The studio's app.py is missing beside {package}. Install cod-curation again.")
    return found


@app.command("app", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def open_studio(
    context: typer.Context,
    port: Annotated[int, typer.Option(help="Port on this machine.", min=1, max=65535)] = 8501,
    browser: Annotated[bool, typer.Option(help="Open a browser window.")] = True,
    home: Home = None,
) -> None:
    """Open the studio in a browser. Options of `streamlit run` may follow, such as --server.baseUrlPath studio."""
    if importlib.util.find_spec("streamlit") is None:
        raise CodError("The studio needs Streamlit: pip install streamlit")
    environment = {**os.environ, **({"COD_HOME": home} if home else {})}
    if home:  # the folder with its own database, as everywhere with --home
        environment.pop("COD_DATABASE_URL", None)
    chosen = ["--server.port", str(port), "--server.headless", "false" if browser else "true"]
    file = studio_file()
    command = [sys.executable, "-P", str(file.parent / "ui" / "frame" / "serve.py"), "run", str(file), *chosen, *context.args]
    if os.name == "nt":
        raise typer.Exit(subprocess.call(command, env=environment))
    sys.stdout.flush()
    os.execve(sys.executable, command, environment)  # the server takes this process's place, and with it the signals
