"""The documentation as a site, warnings as errors; the notebook runs."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.test_architecture import rooms

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    out = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(out)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"})
    assert done.returncode == 0, done.stdout + done.stderr
    return out


def test_the_site_builds_without_a_warning_and_leaves_no_place_unfilled(site):
    pages = {path.relative_to(site).as_posix(): path.read_text(encoding="utf-8") for path in site.rglob("*.html")}
    assert len(pages) > 18 and not [name for name, text in pages.items() if "{{" in text or "<p>:::" in text]


def test_commands_and_rooms_are_printed_from_the_program(site):
    commands = (site / "reference/commands/index.html").read_text(encoding="utf-8")
    assert 'id="cod-generate"' in commands and "--second-judge" in commands
    python = (site / "reference/python/index.html").read_text(encoding="utf-8")
    assert all(f"project.{room}" in python for room in rooms().values())


def test_nothing_is_fetched_from_elsewhere(site):
    """A page that loads fonts from another host tells that host who reads it."""
    start = (site / "index.html").read_text(encoding="utf-8")
    assert 'src="http' not in start and 'rel="stylesheet" href="http' not in start


def test_the_notebook_runs(tmp_path, monkeypatch):
    import nbformat
    from nbclient import NotebookClient

    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    notebook = nbformat.read(ROOT / "docs/notebooks/library.ipynb", as_version=4)
    assert not [cell for cell in notebook.cells if cell.get("outputs")], "outputs are not kept: they grow old"
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    said = [str(output) for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    assert any("8 texts" in text for text in said) and "This phone is" in said[-1]
