"""The German interface in real Chromium: chosen in the sidebar, kept from page to page, and the way of a file begins in it."""

import pytest
from studio import click, settle

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


def test_german_is_chosen_in_the_sidebar_and_stays(app, tab):
    """Prevents: a language that is gone at the next page or after a refresh."""
    tab.goto(app.url)
    tab.get_by_text("Start with my own texts").first.wait_for()
    click(tab.locator("section[data-testid=stSidebar] [data-testid=stSelectbox]").last)
    click(tab.get_by_role("option", name="Deutsch"))
    tab.get_by_text("Mit eigenen Texten beginnen").first.wait_for()
    tab.wait_for_function("document.documentElement.lang === 'de'")
    rows = [
        (f"{who} fiel {where}.", "Sturz") for who in ("Patientin", "Patient", "Bewohnerin") for where in ("im Bad", "vom Stuhl", "im Flur")
    ]
    rows += [
        (f"{drug} {how} gegeben.", "Medikament") for drug in ("Insulin", "Heparin", "Digoxin") for how in ("doppelt", "zu spät", "nicht")
    ]
    csv = "text,label\n" + "\n".join(",".join(row) for row in rows)
    tab.locator("input[type=file]").first.set_input_files({"name": "meldungen.csv", "mimeType": "text/csv", "buffer": csv.encode()})
    click(tab.get_by_role("button", name="Projekt anlegen"))
    tab.get_by_role("heading", level=1, name="Lehrer").wait_for()
    tab.get_by_text("18 Texte hinzugefügt").first.wait_for()
    assert "lang=de" in tab.url
    tab.reload()
    tab.get_by_role("heading", level=1, name="Lehrer").wait_for()
    click(tab.get_by_role("link", name="Daten"))
    tab.get_by_role("heading", level=1, name="Daten").wait_for()
    settle(tab)
    said = tab.locator("[data-testid=stMain]").inner_text()
    assert "Sturz" in said and "Medikament" in said and " texts" not in said, said
