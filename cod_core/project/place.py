"""Where one project is kept: its row, its tables, its folders, what is held of it in memory, and who asks. Knows no room."""

import functools
import inspect
import threading
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar

from cod_core import roles
from cod_core.errors import CodError
from cod_core.roles import Actor
from cod_core.said import say
from cod_core.settings import Limits, Settings, bytes_of, owners
from cod_core.store import allowance, items, people, projects
from cod_core.store.database import Database
from cod_core.store.projects import ProjectRow
from cod_core.text import within

T = TypeVar("T")
P = ParamSpec("P")
R = TypeVar("R", bound="Room")
MOST_PLACE = 320  # characters of a name, a mail address being the longest, and of what says where a person is


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

    def newest(self, name: Hashable, of: Hashable, make: Callable[[], T]) -> T:
        """As a call, for what is made of something that changes: what was made of an earlier state of it is let go."""
        return self((name, "newest"), Newest[T])(of, make)


class Newest(Generic[T]):
    """The newest value of something, and what it was made of; by one thread only."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._held: tuple[Hashable, T] | None = None

    def __call__(self, of: Hashable, make: Callable[[], T]) -> T:
        with self._lock:
            if self._held is None or self._held[0] != of:
                self._held = None
                self._held = of, make()
            return self._held[1]


class Latest(Generic[T]):
    """The newest value of something, for all actors of a project; value: None before the first."""

    def __init__(self) -> None:
        self.value: T | None = None


def limits_of(settings: Settings, actor: Actor | None) -> Limits:
    """What one person may have here."""
    return settings.limits.of(actor is not None and actor.signed_in)


def need_room(db: Database, settings: Settings, actor: Actor | None, texts: int = 0, size: int = 0) -> None:
    """Raises CodError where these texts, of so many bytes, would bring the actor over their limits; None has no limits."""
    if actor is not None:
        limits = limits_of(settings, actor)
        with db.read() as c:
            held = allowance.held(c, actor.name)
        allowance.refuse("texts", held.texts, texts, limits)
        taken, more = held.bytes + bytes_of(settings.home, held.projects), -(-size // allowance.MEGABYTE)
        allowance.refuse("megabytes", taken // allowance.MEGABYTE, more, limits)


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

    def texts_now(self) -> Hashable:
        """Another value whenever a text came, went, or got other words or another label, in whatever process."""
        counts = items.counts(self.db, self.id)
        return frozenset(counts.texts.items()), self.row.settings.get("labellings", 0)  # corrected words change no count

    @property
    def person(self) -> str | None:
        """Whose limits what comes in counts to; None for the command line."""
        return self.actor.name if self.actor else None

    def need_room(self, texts: int = 0, size: int = 0) -> None:
        """As need_room above, for whoever comes to this project."""
        need_room(self.db, self.settings, self.actor, texts, size)

    def need_own(self, name: str) -> None:
        """Raises CodError where a verb would be recorded under a name that is not the actor's."""
        if self.actor is not None and name != self.actor.name:
            raise CodError(
                say("You are {me} here, and this would be recorded as {name}. Load the page again.", me=self.actor.name, name=name[:80])
            )

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


def needs(
    act: str, named: str | None = None, recorded: bool = True
) -> "Callable[[Callable[Concatenate[R, P], T]], Callable[Concatenate[R, P], T]]":
    """A room's verb that asks, each time and before anything else, whether the actor may do it (a key of roles.ALLOWED).

    named: its argument that says under whose name it is recorded, which must be the actor's. recorded: False where that stays
    no longer than the person, so that it may be done before they have given a name.
    """

    def guarded(verb: "Callable[Concatenate[R, P], T]") -> "Callable[Concatenate[R, P], T]":
        signature = inspect.signature(verb)

        @functools.wraps(verb)
        def asked(self: R, /, *args: P.args, **kwargs: P.kwargs) -> T:
            self.place.need(act)
            if named is not None:
                given = signature.bind(self, *args, **kwargs)
                given.apply_defaults()
                within(str(given.arguments[named]), MOST_PLACE)
            if named is not None and self.place.actor is not None:
                self.place.need_own(str(given.arguments[named]))
                if recorded and self.place.actor.name.startswith(roles.UNNAMED):
                    raise CodError(say("It is not said who decides. Give your name, or a pseudonym."))
            return verb(self, *args, **kwargs)

        asked.__dict__.update(act=act, named=named)
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
