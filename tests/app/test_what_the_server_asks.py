"""What Streamlit itself would ask of others, or let leave past our guards, is switched off: the look-up of the address, its own CSV."""

import importlib
import tomllib
from pathlib import Path

from streamlit import config, net_util
from streamlit.web.server.server_util import is_url_from_allowed_origins

from ui.frame.serve import ask_nobody_for_the_address

ROOT = Path(__file__).parents[2]
SETTINGS = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))


def test_nobody_is_asked_for_the_machines_address(monkeypatch):
    """Prevents: any page that somebody opens beside the app makes the server tell a service on the internet that it is there."""
    asked = []
    importlib.reload(net_util)  # another test of this process may have run the app, which switches it off
    monkeypatch.setattr(net_util, "_make_blocking_http_get", lambda url, timeout=5: asked.append(url))
    assert not is_url_from_allowed_origins("http://evil.example")
    assert asked, "Streamlit looks it up another way: switch that off too"
    asked.clear()
    ask_nobody_for_the_address()
    assert not is_url_from_allowed_origins("http://evil.example") and asked == []
    assert is_url_from_allowed_origins("http://localhost:8501"), "this machine is let in"


def test_tables_have_no_csv_of_their_own():
    """Prevents: a table's own download writes texts as they are, formulas too, past the guard of every other table that leaves."""
    assert SETTINGS["client"]["disableDataExport"] is True
    assert "client.disableDataExport" in config.get_config_options(), "Streamlit calls it otherwise: tables have their own CSV again"


def test_every_setting_of_ours_is_one_of_streamlits():
    """A setting that is misspelt, or was renamed, is a warning in a log and otherwise silence."""
    ours = {f"{section}.{name}" for section, values in SETTINGS.items() for name, value in values.items() if not isinstance(value, dict)}
    assert len(ours) > 8 and not ours - set(config.get_config_options())
