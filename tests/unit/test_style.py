"""The code keeps to the rules that pyproject.toml declares."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def test_the_linter_finds_nothing():
    """Rules that nothing checks are broken 500 times before anybody looks."""
    done = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--no-cache", "--output-format", "concise", str(ROOT)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_file_is_formatted():
    """Two dialects in one tree hide what a change is about behind what it moves."""
    done = subprocess.run([sys.executable, "-m", "ruff", "format", "--no-cache", "--check", str(ROOT)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_tests_of_a_file_stay_on_one_worker(request):
    """pytest 9.2 took away what pytest-xdist needs for it; module fixtures were made twice and browsers met each other."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        pytest.skip("only where tests are shared between workers")
    assert request.node.nodeid.endswith("@test_style.py")
