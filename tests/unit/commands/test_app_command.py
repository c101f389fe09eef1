"""`app`: which file it starts, and with what. That the studio opens is seen in tests/e2e/test_installed.py."""

import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

import cod_core.__main__  # noqa: F401  registers every command
from cod_core.commands import studio
from cod_core.commands.shell import app
from cod_core.errors import CodError

ROOT = Path(__file__).parents[3]


def test_in_a_clone_the_studio_is_the_one_beside_the_package():
    assert studio.studio_file() == ROOT / "app.py"


def test_an_installed_studio_goes_before_what_lies_beside_the_package(tmp_path):
    """site-packages may hold somebody else's app.py."""
    for folder in (tmp_path, tmp_path / "cod_core" / "_studio"):
        (folder / "ui").mkdir(parents=True)
        (folder / "app.py").write_text("")
    assert studio.studio_file(tmp_path / "cod_core") == tmp_path / "cod_core" / "_studio" / "app.py"


def test_a_studio_that_is_missing_is_said(tmp_path):
    (tmp_path / "app.py").write_text("somebody else's")
    with pytest.raises(CodError, match="Install cod-curation again"):
        studio.studio_file(tmp_path / "cod_core")


def test_options_reach_streamlit_and_the_folder_the_app(monkeypatch, tmp_path):
    started = []
    monkeypatch.setattr(studio.os, "execve", lambda *given: started.append(given))
    done = CliRunner().invoke(
        app, ["app", "--port", "8600", "--no-browser", "--home", str(tmp_path), "--server.baseUrlPath", "studio"], catch_exceptions=False
    )
    assert done.exit_code == 0
    (program, command, environment), *_ = started
    assert program == sys.executable and command[1:5] == ["-P", str(ROOT / "ui" / "frame" / "serve.py"), "run", str(ROOT / "app.py")]
    assert command[5:] == ["--server.port", "8600", "--server.headless", "true", "--server.baseUrlPath", "studio"]
    assert environment["COD_HOME"] == str(tmp_path)
