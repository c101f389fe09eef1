"""The first address that anybody opens after a server start, in real Chromium."""

import pytest

from tests.e2e.test_team import app, browser, free_port  # noqa: F401  the browser is a fixture

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


def test_a_page_opened_first_is_that_page_in_its_frame(tmp_path, browser):  # noqa: F811
    """Streamlit would run the page's file without app.py, or say 'Page not found' (docs/architecture.md)."""
    with app(tmp_path, free_port()) as url:
        page = browser.new_page()
        page.goto(f"{url}/settings")
        page.get_by_role("heading", name="Settings").wait_for(timeout=60_000)
        page.locator("section[data-testid=stSidebar]").wait_for(timeout=60_000)
        assert page.get_by_text("Page not found").count() == 0
        assert page.locator("[data-testid=stSidebarNav]").count() == 0, "Streamlit's own menu"
        page.goto(f"{url}/nosuchpage")
        page.get_by_text("The page in the address does not exist").wait_for(timeout=60_000)
        page.get_by_text("Try the sample project").wait_for()
        page.wait_for_timeout(500)
        assert page.get_by_text("Page not found").count() == 0, "Streamlit's own dialog"
        page.goto(f"{url}/start")
        page.get_by_text("Try the sample project").wait_for(timeout=60_000)
        page.wait_for_timeout(500)
        assert page.get_by_text("Page not found").count() == 0
        assert page.get_by_text("The page in the address does not exist").count() == 0, "/start is the start page"
