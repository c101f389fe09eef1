"""What other people's programs may rest on. A change of this list is a change for them: a new version, and a line in the changelog."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

import cod_core

ROOT = Path(__file__).parents[2]
NAMES = """
    BadInput Cancelled CodError Counterfactual Example FinetuneOptions FlipCheck GenerateRequest LlmOptions ModelUnavailable
    NotEnoughData Prediction Project RunConfig SearchOptions Stale StudentSettings SweepPlan Task TightenRequest Workspace
    __version__ guess_columns read_choice read_table
""".split()


def test_the_public_names_are_these():
    assert cod_core.__all__ == NAMES == dir(cod_core)


@pytest.mark.parametrize("name", NAMES)
def test_each_is_there_and_explains_itself(name):
    value = getattr(cod_core, name)
    assert value is not None and (isinstance(value, str) or (value.__doc__ and value.__module__.startswith("cod_core.")))


def test_anything_else_is_no_attribute():
    with pytest.raises(AttributeError, match="nonsense"):
        cod_core.nonsense  # noqa: B018


def test_importing_the_package_loads_nothing_of_weight():
    code = "import sys, cod_core; print([m for m in sys.modules if m.split('.')[0] in ('torch','numpy','sqlalchemy','streamlit','pandas')])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT).stdout.strip() == "[]"


def test_one_version_stands_everywhere():
    """Somebody who reports a bug or cites the software names a version that exists."""
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["version"]["path"] == "cod_core/__init__.py"
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    released = re.search(r"^## \[?(\d+\.\d+\.\d+)\]?", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert released and released[1] == cited["version"] == cod_core.__version__
