"""Two workers share two cores (pytest -n 2 --dist loadgroup): files stay whole, browsers stay together, one thread each."""

import os
from pathlib import Path

import pytest

if os.environ.get("PYTEST_XDIST_WORKER"):
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")  # before torch is imported: threads that wait for each other cost many times more


@pytest.hookimpl(tryfirst=True)  # pytest-xdist reads the marks in the same hook
def pytest_collection_modifyitems(items):
    """A file's tests share its fixtures, so a file goes to one worker; everything that drives a browser goes to one."""
    for item in items:
        item.add_marker(pytest.mark.xdist_group("browser" if "e2e" in item.path.parts else str(Path(item.path).name)))
