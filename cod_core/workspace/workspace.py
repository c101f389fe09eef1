"""The data folder (COD_HOME): its projects made, opened, restored, copied; its people. Opening it imports no torch."""

import copy
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from cod_core.data import samples
from cod_core.data.reading import Problem, Table
from cod_core.data.tables import Columns, Import
from cod_core.errors import BadInput, ModelUnavailable
from cod_core.models.choice import BuiltinChoice
from cod_core.progress import Progress, silent
from cod_core.project.export.bundles import check_labels
from cod_core.project.models import Models
from cod_core.project.place import Place, limits_of
from cod_core.project.project import Project
from cod_core.project.teacher.loader import has_builtin_teacher
from cod_core.project.texts.uploads import checked_rows
from cod_core.roles import Actor
from cod_core.said import msg, say, together
from cod_core.settings import Settings
from cod_core.store import guidelines, items, portable, projects
from cod_core.store.database import open_database, storable
from cod_core.store.projects import ProjectRow
from cod_core.text import CONTROL, folded, within
from cod_core.types import Guideline, Task
from cod_core.workspace.grids import Grids
from cod_core.workspace.machines import Machines
from cod_core.workspace.people import People
from cod_core.workspace.restoring import restore
from cod_core.workspace.under_way import JobsUnderWay

MOST_TASK = 100_000  # characters of a question, its labels and what they mean


class Workspace:
    """Opens the data folder and its database. home: where, None for the default. people: who works here, in which role.

    actor: who asks for things, None for the person at the command line (see `acting`).
    """

    def __init__(self, home: str | Path | None = None):
        self.settings = Settings.load(home)
        self.db = open_database(self.settings.database_url)
        self.models = Models(self.db, self.settings)
        self.actor: Actor | None = None
        self.people = People(self.db)
        self._opened: dict[str, Project] = {}
        self._opening = threading.Lock()

    def acting(self, actor: Actor | None) -> "Workspace":
        """The same workspace for another actor: what it holds in memory is shared, every verb asks what this actor may do."""
        other = copy.copy(self)
        other.actor, other.people = actor, People(self.db, actor)
        return other

    @property
    def machines(self) -> Machines:
        """Where heavy work runs."""
        return Machines(self.db, self.settings.compute, self.actor)

    @property
    def under_way(self) -> JobsUnderWay:
        """Every job that runs or waits."""
        return JobsUnderWay(self.db, self.actor)

    @property
    def grids(self) -> Grids:
        """Declared grids of students over several projects."""
        return Grids(self.db, self.settings, self.named)

    def projects(self) -> list[ProjectRow]:
        """Every project, newest first. What is held in memory of those that are gone is let go."""
        rows = projects.list_projects(self.db)
        with self._opening:
            missing = self._opened.keys() - {row.id for row in rows}
        for project_id in missing:
            with suppress(BadInput):  # it is asked for once more: one that was made just now is not among the rows
                self._everybodys(project_id)
        return rows

    def project(self, project_id: str, actor: Actor | None = None) -> Project:
        """The project with its rooms, as an actor (else the workspace's) comes to it; without one the same object every time.

        What is held of it in memory is the same for all, and let go where the project is found gone. Raises BadInput where there is
        no such project, CodError where the actor is not on the list of people (any more).
        """
        actor = actor or self.actor
        everybodys = self._everybodys(project_id)
        if actor is None:
            return everybodys
        opened = Project(Place(self.db, self.settings, project_id, actor, everybodys.place.once), self.models)
        opened.place.need("curate")
        return opened

    def _everybodys(self, project_id: str) -> Project:
        """The project as the person at the command line comes to it, whose memory all share."""
        try:
            projects.get_project(self.db, project_id)
        except BadInput:
            self._let_go(project_id)
            raise
        with self._opening:
            if project_id not in self._opened:
                self._opened[project_id] = Project(Place(self.db, self.settings, project_id), self.models)
            return self._opened[project_id]

    def _let_go(self, project_id: str) -> None:
        with self._opening:
            self._opened.pop(project_id, None)

    def create_project(self, name: str, task: Task) -> str:
        """New project's id. Raises what `checked` raises."""
        self.people.need("create")
        return self._made(name.strip(), checked(name, task))

    def create_from_table(
        self,
        name: str,
        task: Task,
        table: Table,
        columns: Columns,
        role: str,
        names: Mapping[str, str] | None,
        keep: Sequence[str],
        sha256: str,
        file: str,
        progress: Progress = silent,
        own_test: bool = False,
        author: str = "",
    ) -> tuple[str, Import]:
        """(id of a new project with the rows of a table, the Import). The arguments from `table` on are those of import_table.

        author: under whose name a guideline that the file brings is kept. Project, rows and guideline are kept together or not at all.
        Raises what `checked` and import_table raise, BadInput where no row can be used: no project is made then.
        """
        self.people.need("create")
        read = checked_rows(checked(name, task).labels, table, columns, role, names, keep, progress)
        with self.new_project(name, task) as project:
            added = project.uploads.take(read, role, sha256, file, progress, own_test)
            if not added.examples:
                none = say("No row of the file can be used, so no project was made.")
                first = [say("The first: row {row}, {message}", row=p.row, message=p.message) for p in added.problems[:1]]
                raise BadInput(together([none, *first]))
            if guideline := table.guideline.strip():
                project.guideline.write(guideline, author, note="of the file")
        return project.id, added

    @contextmanager
    def new_project(self, name: str, task: Task) -> Iterator[Project]:
        """A project that is made together with what is written to it inside, or not at all. Raises what `checked` raises.

        Others wait with their writing meanwhile (Database.together).
        """
        self.people.need("create")
        task, pid = checked(name, task), ""
        try:
            with self.db.together():
                pid = self._made(name.strip(), task)
                yield self.project(pid)
        except BaseException:
            self._let_go(pid)
            raise

    def _made(self, name: str, task: Task) -> str:
        """A new project of the actor. Raises CodError where they have made as many as they may."""
        person = self.actor.name if self.actor else None
        return projects.create_project(self.db, plain_words(name)[:120], task, person, limits_of(self.settings, self.actor))

    def create_sample(self, name: str, progress: Progress = silent) -> str:
        """A project filled with a built-in sample and its teacher; opened again where it exists already.

        Where the archive cannot be had, a small written sample takes its place and the settings say so.
        """
        self.people.need("create")
        spec = samples.sample(name)
        if not has_builtin_teacher(name):
            raise BadInput(
                say(
                    "The sample {name!r} has no built-in teacher here. Choose one of: {samples}.",
                    name=name,
                    samples=", ".join(filter(has_builtin_teacher, samples.SAMPLES)),
                )
            )
        for row in self.projects():
            if row.settings.get("sample") == name:
                if row.archived_at is not None:
                    self.people.need("archive")
                    portable.archive(self.db, row.id, False)
                return row.id
        progress(0, 2, msg("fetching the sample"))
        notice = None
        try:
            examples = samples.load_sample(name, self.settings.folder("samples"))
        except ModelUnavailable as error:
            from cod_core.data.written_sample import written_sample

            examples, notice = written_sample(), str(error)
            spec = samples.sample("movies")
        progress(1, 2, msg("saving the sample"))
        with self.new_project(f"Sample: {spec.title}", spec.task) as project:
            items.add_examples(self.db, project.id, examples)
            project.teacher.choose(BuiltinChoice(spec.name))
            project.place.update(sample=name, notice=notice)
        progress(2, 2, msg("ready"))
        return project.id

    def named(self, name: str) -> Project:
        """The project that a grid calls `name`: its id, its name, or a built-in sample, made where it is missing."""
        for row in self.projects():
            if name in (row.id, row.name):
                return self.project(row.id)
        if name in samples.SAMPLES:
            return self.project(self.create_sample(name))
        raise BadInput(
            say(
                "There is no project called {name!r}. Give a project's id or name, or a sample: {samples}.",
                name=name,
                samples=", ".join(samples.SAMPLES),
            )
        )

    def open_bundle(self, data: bytes) -> tuple[str, list[Problem]]:
        """An exported set as a new project; returns its id and what was left out (see Bundles.open).

        Raises BadInput naming what is wrong with the file: nothing is kept then.
        """
        self.people.need("create")
        from cod_core.export.restore import open_bundle

        bundle = open_bundle(data)
        check_labels(bundle, bundle.task.labels)
        name = f"{str(bundle.manifest['project'].get('name', 'Bundle'))[:100]} (imported)"
        with self.new_project(name, bundle.task) as made:
            if bundle.guideline:
                guidelines.add(self.db, made.id, Guideline(0, plain_words(bundle.guideline), note="of the exported set"))
            return made.id, made.bundles.take(bundle)

    def restore(self, data: bytes, name: str | None = None, fresh: bool = False, decisions: bool = True) -> str:
        """A project from a backup; returns its id, always a new one. See restoring.restore."""
        self.people.need("restore")
        return restore(self.db, self.settings, data, name, fresh, decisions, self.actor)

    def duplicate(self, project: Project, name: str, decisions: bool = True) -> str:
        """A copy of a project under another name; returns its id. decisions: False begins the curation anew."""
        self.people.need("duplicate")
        if not name.strip():
            raise BadInput(msg("The copy needs a name."))
        data = project.keeping.backup()
        made = restore(self.db, self.settings, data, name.strip(), True, decisions, self.actor, trusted=True)
        for site in project.row.settings.get("endpoints") or ():
            self.project(made).endpoints.confirm(site)
        return made


def checked(name: str, task: Task) -> Task:
    """The task with its labels stripped and no control characters in its words.

    Raises BadInput on fewer than two labels, empty or repeated names (two that differ in letter case or spaces only are one, since
    files spell them either way), descriptions that are not one a label, or more words than a task needs.
    """
    within("".join((task.name, *task.labels, *task.descriptions)), MOST_TASK)
    labels = [plain_words(label).strip() for label in task.labels]
    if not name.strip():
        raise BadInput(msg("The project needs a name."))
    alike = [(a, b) for at, a in enumerate(labels) for b in labels[at + 1 :] if a and folded(a) == folded(b)]
    if alike:
        first, second = alike[0]
        raise BadInput(
            say("The label {first!r} came twice. Name each label once.", first=first)
            if first == second
            else say(
                "The labels {first!r} and {second!r} differ in letter case or spaces only, so they count as one "
                "label. Name each label once; a file may spell it either way.",
                first=first,
                second=second,
            )
        )
    if len(labels) < 2 or not all(labels):
        raise BadInput(say("A project needs at least two different labels; these came: {labels}.", labels=", ".join(labels) or say("none")))
    if task.descriptions and len(task.descriptions) != len(labels):
        raise BadInput(
            say(
                "There are {labels} labels and {descriptions} descriptions. Give one a label, or none.",
                labels=len(labels),
                descriptions=len(task.descriptions),
            )
        )
    return replace(task, name=plain_words(task.name), labels=tuple(labels), descriptions=tuple(map(plain_words, task.descriptions)))


def plain_words(text: str) -> str:
    """A name as databases and screens can hold it: without control characters and halves of surrogate pairs."""
    return CONTROL.sub("", storable(text) or "")
