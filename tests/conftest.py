"""Two workers share two cores (pytest -n 2 --dist loadgroup): files stay whole, browsers stay together, one thread each.

The longest groups come first, so that no worker is left alone with one at the end.
"""

import os

import pytest

if os.environ.get("PYTEST_XDIST_WORKER"):
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")  # before torch is imported: threads that wait for each other cost many times more


os.environ.setdefault("COD_READ_PROPOSALS", "0")  # a language model would be unpacked in every test's own folder
os.environ.setdefault("COD_SPARE_WORKER", "0")  # and each page would start a process that loads models


LONGEST = (
    "browser",
    "test_types.py",
    "test_site.py",
    "language model",
    "test_command_line.py",
    "test_students.py",
    "test_teachers.py",
    "test_places.py",
    "test_searching_elsewhere.py",
)


@pytest.hookimpl(tryfirst=True)  # pytest-xdist reads the marks in the same hook
def pytest_collection_modifyitems(items):
    """A file's tests share its fixtures, so a file goes to one worker; everything that drives a browser goes to one, and what asks
    for the packaged language model, which is converted once."""

    def group(item) -> str:
        if "e2e" in item.path.parts:
            return "browser"
        return "language model" if "converted" in item.fixturenames else item.path.name

    items.sort(key=lambda item: LONGEST.index(group(item)) if group(item) in LONGEST else len(LONGEST))
    for item in items:
        item.add_marker(pytest.mark.xdist_group(group(item)))
