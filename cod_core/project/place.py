"""Where one project is kept: its row, its tables, its folders, what is held of it in memory, and who asks. Knows no room."""

import functools
import threading
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar

from cod_core import roles
from cod_core.roles import Actor
from cod_core.settings import Settings, owners
from cod_core.store import people, projects
from cod_core.store.database import Database
from cod_core.store.projects import ProjectRow

T = TypeVar("T")
P = ParamSpec("P")
R = TypeVar("R", bound="Room")


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


class Latest(Generic[T]):
    """The newest value of something, for all actors of a project; value: None before the first."""

    def __init__(self) -> None:
        self.value: T | None = None


class Place:
    """One project in the store, as one actor comes to it; None is the person at the command line, who may do everything.

    once: what is made once for the project, for as long as the process lives; its actors share it.
    """

    def __init__(self, db: Database, settings: Settings, project_id: str, actor: Actor | None = None, once: Once | None = None):
        self.db = db
        self.settings = settings
        self.id = project_id
        self.actor = actor
        self.once = once or Once()

    @property
    def row(self) -> ProjectRow:
        """Name, task, teacher and settings as they are now. Raises BadInput where the project does not exist (any more)."""
        return projects.get_project(self.db, self.id)

    def need(self, act: str) -> None:
        """Raises CodError where the actor is not on the list of people (any more), or their role does not allow the act."""
        if self.actor is not None:
            roles.need(people.role_of(self.db, self.actor, owners()), act)

    def need_for_files(self, model: str | None, act: str = "model folder") -> None:
        """As need, where a model's name leads to files of this machine outside the project's own folder."""
        if (
            model
            and roles.is_path(model)
            and not Path(model).resolve().is_relative_to((self.settings.home / "teachers" / self.id).resolve())
        ):
            self.need(act)

    def folder(self, *parts: str) -> Path:
        """This project's folder in one of the data folder's (teachers, students, exports), made where missing."""
        return self.settings.folder(*parts[:1], self.id, *parts[1:])

    def update(self, **changes: Any) -> None:
        """Merge changes into the project's settings."""
        projects.update_settings(self.db, self.id, changes)


def needs(act: str) -> "Callable[[Callable[Concatenate[R, P], T]], Callable[Concatenate[R, P], T]]":
    """A room's verb that asks, each time and before anything else, whether the actor may do it (a key of roles.ALLOWED)."""

    def guarded(verb: "Callable[Concatenate[R, P], T]") -> "Callable[Concatenate[R, P], T]":
        @functools.wraps(verb)
        def asked(self: R, /, *args: P.args, **kwargs: P.kwargs) -> T:
            self.place.need(act)
            return verb(self, *args, **kwargs)

        asked.__dict__["act"] = act
        return asked

    return guarded


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
