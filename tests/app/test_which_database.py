"""The app's data lie where the environment says."""

from ui.frame import state


def test_a_database_counts_beside_a_data_folder(monkeypatch, tmp_path):
    """Prevents: the image names a folder, the composition a server, and the app kept everything in a file of the folder."""
    monkeypatch.setenv("COD_HOME", str(tmp_path / "home"))
    assert state.shared_workspace().settings.database_url == f"sqlite:///{tmp_path / 'home' / 'cod.db'}"
    monkeypatch.setenv("COD_DATABASE_URL", f"sqlite:///{tmp_path / 'other.db'}")
    found = state.shared_workspace().settings
    assert (found.home, found.database_url) == (tmp_path / "home", f"sqlite:///{tmp_path / 'other.db'}")
