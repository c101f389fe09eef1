"""What every verb needs: settings, the database, models made once."""

import threading
from pathlib import Path

from cod_core.errors import BadInput
from cod_core.models.cached import CachedEncoder
from cod_core.models.encoder import DEFAULT_ENCODER, own_revision
from cod_core.settings import Settings
from cod_core.store import projects
from cod_core.store.database import open_database
from cod_core.store.projects import Project


class Base:
    """Opens the data folder and its database. home: where, None for the default."""

    def __init__(self, home: str | Path | None = None):
        self.settings = Settings.load(home)
        self.db = open_database(self.settings.database_url)
        self._made: dict[tuple, object] = {}
        self._making: dict[tuple, threading.RLock] = {}
        self._keys: dict[tuple[str, str], str] = {}  # (project, site) -> LLM key: see endpoints.py

    def _once(self, key: tuple, make):
        """The object made for `key`, on first use and by one thread only; a slow one holds up nobody else's."""
        if key not in self._made:
            with self._making.setdefault(key, threading.RLock()):
                if key not in self._made:
                    self._made[key] = make()
        return self._made[key]

    def projects(self) -> list[Project]:
        """Every project, newest first."""
        return projects.list_projects(self.db)

    def project(self, pid: str) -> Project:
        """Raises BadInput where there is no such project."""
        return projects.get_project(self.db, pid)

    def encoder(self, name: str = DEFAULT_ENCODER) -> CachedEncoder:
        """The encoder with its embeddings kept in the database; weights load on the first miss."""
        revision = own_revision(name)

        def load():
            from cod_core.models.encoder import Encoder

            return self._once(("raw encoder", name, revision), lambda: Encoder(name))

        return self._once(("encoder", name, revision), lambda: CachedEncoder(self.db, name, load, revision))

    def encoder_of(self, config) -> CachedEncoder:
        """The encoder that a finished student reads with. Raises BadInput where its folder holds other weights by now."""
        found = self.encoder(config.encoder)
        if config.encoder_revision and config.encoder_revision != found.revision:
            raise BadInput(
                f"The model in {config.encoder} has changed since this student was trained on it, so its answers would "
                "mean nothing. Put the earlier model back, or distil again."
            )
        return found
