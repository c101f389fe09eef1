"""Where one project is kept: its row, its tables, its folders, and what is held of it in memory. Knows no room."""

import threading
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Any, TypeVar

from cod_core.settings import Settings
from cod_core.store import projects
from cod_core.store.database import Database
from cod_core.store.projects import ProjectRow

T = TypeVar("T")


class Once:
    """Things made on first use and kept: by one thread only, and a slow one holds up nobody else's."""

    def __init__(self) -> None:
        self._made: dict[Hashable, Any] = {}
        self._making: dict[Hashable, threading.RLock] = {}

    def __call__(self, key: Hashable, make: Callable[[], T]) -> T:
        if key not in self._made:
            with self._making.setdefault(key, threading.RLock()):
                if key not in self._made:
                    self._made[key] = make()
        made: T = self._made[key]
        return made


class Place:
    """One project in the store. once: what is made once for it, for as long as the process lives."""

    def __init__(self, db: Database, settings: Settings, project_id: str):
        self.db = db
        self.settings = settings
        self.id = project_id
        self.once = Once()

    @property
    def row(self) -> ProjectRow:
        """Name, task, teacher and settings as they are now. Raises BadInput where the project does not exist (any more)."""
        return projects.get_project(self.db, self.id)

    def folder(self, *parts: str) -> Path:
        """This project's folder in one of the data folder's (teachers, students, exports), made where missing."""
        return self.settings.folder(*parts[:1], self.id, *parts[1:])

    def update(self, **changes: Any) -> None:
        """Merge changes into the project's settings."""
        projects.update_settings(self.db, self.id, changes)


class Room:
    """What every room of a project stands on."""

    def __init__(self, place: Place):
        self.place = place
        self.db = place.db
        self.id = place.id

    @property
    def row(self) -> ProjectRow:
        """The project's row as it is now (see Place.row)."""
        return self.place.row

    @property
    def labels(self) -> tuple[str, ...]:
        """The task's labels, in order."""
        return self.place.row.task.labels
