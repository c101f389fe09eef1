"""One server and one browser for the studio's tests; each test has a project, and tabs, of its own."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import studio  # noqa: E402


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    """The app on a data folder of its own."""
    made = studio.App(tmp_path_factory.mktemp("studio") / "home").start()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def workspace(app):
    """The library on the same data folder, as another process would have it."""
    from cod_core.workspace import Workspace

    return Workspace(app.home)


@pytest.fixture(scope="module")
def browser():
    with studio.chromium() as made:
        yield made


@pytest.fixture
def tab(browser):
    """A tab in a window of its own (its own cookies)."""
    context = browser.new_context(viewport={"width": 1400, "height": 1000})
    made = context.new_page()
    made.set_default_timeout(60_000)
    yield made
    context.close()


@pytest.fixture
def own(tmp_path):
    """A server of the test's own, which it may stop."""
    made = studio.App(tmp_path / "home").start()
    yield made
    made.stop()
