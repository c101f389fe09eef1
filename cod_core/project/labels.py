"""The labels of a project, changed while it is at work: renamed, described, merged, added."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import assert_never

from cod_core.errors import BadInput
from cod_core.models.choice import (
    BuiltinChoice,
    FinetunedChoice,
    GenerativeChoice,
    LlmChoice,
    TeacherChoice,
    TransformersChoice,
    stored_choice,
)
from cod_core.project.place import Place, Room, needs
from cod_core.project.results.results import Results
from cod_core.project.teacher.loader import identity
from cod_core.project.teacher.teacher import Teacher
from cod_core.project.texts.texts import Texts
from cod_core.said import msg, say
from cod_core.store import label_set
from cod_core.text import folded
from cod_core.types import Task

MOST_CHARACTERS = 200
Mapped = BuiltinChoice | TransformersChoice | FinetunedChoice


@dataclass(frozen=True)
class Consequences:
    """What a change of the labels does. texts: get another label. pairs: proposals between labels that become one. teacher: has to
    be chosen or trained again. students: finished ones that go, since they answer with the old labels."""

    texts: int
    pairs: int
    teacher: bool
    students: int


def renamed_choice(choice: TeacherChoice | None, labels: tuple[str, ...], renamed: Mapping[str, str]) -> TeacherChoice | None:
    """The same teacher for a project whose labels have new names. labels: the old ones."""
    if isinstance(choice, BuiltinChoice | TransformersChoice | FinetunedChoice):
        return _mapped(choice, labels, renamed)
    if isinstance(choice, GenerativeChoice):
        return replace(choice, judge=_mapped(choice.judge, labels, renamed))
    if choice is None or isinstance(choice, LlmChoice):
        return choice  # it reads the names themselves
    assert_never(choice)


def _mapped(choice: Mapped, labels: tuple[str, ...], renamed: Mapping[str, str]) -> Mapped:
    """The classifier with a map from its own labels to the new names."""
    known = choice.label_map or {label: label for label in labels}
    return replace(choice, label_map={own: renamed.get(label, label) for own, label in known.items()})


class Labels(Room):
    """Changes of the label set. Each is one transaction, with everything that names the labels."""

    def __init__(self, place: Place, texts: Texts, teacher: Teacher, results: Results):
        super().__init__(place)
        self.texts = texts
        self.teacher = teacher
        self.results = results

    @needs("import")
    def rename(self, old: str, new: str) -> int:
        """Give a label another name, everywhere; returns how many verdicts went along. Decisions, verdicts and students stay.

        A language model as teacher reads the names, so its verdicts become stale. Raises BadInput if there is no such label or
        another one has the name.
        """
        task, new = self.row.task, self._new_name(new, but=old)
        self._place(old)
        renamed = {old: new}
        names = tuple(renamed.get(label, label) for label in task.labels)
        results, before = self.results.latest(), stored_choice(self.row.teacher)
        after = renamed_choice(before, task.labels, renamed)
        was = identity(before, task.labels) if before else None
        label_set.write(self.db, self.id, replace(task, labels=names), renamed, after.to_json() if after else None)
        self.results.rename_labels(renamed)
        carried = 0
        if was and after and not isinstance(after, LlmChoice):
            carried = label_set.carry_verdicts(self.db, self.id, was, identity(after, names), names)
        if results is not None and not results.outdated:
            self.results.renew_report(still_current=not results.stale)
        return carried

    @needs("import")
    def describe(self, descriptions: Mapping[str, str]) -> None:
        """Say in a sentence what each label means; a language model reads them. Labels that are not named keep theirs."""
        task = self.row.task
        for label in descriptions:
            self._place(label)
        old = dict(zip(task.labels, task.descriptions or [""] * len(task.labels)))
        written = tuple(descriptions.get(label, old[label]).strip()[: 5 * MOST_CHARACTERS] for label in task.labels)
        label_set.write(self.db, self.id, replace(task, descriptions=written if any(written) else ()), {}, self.row.teacher)

    def of_merging(self, old: str, into: str) -> Consequences:
        """What merging would do."""
        self._place(old), self._place(into)
        counts = self.texts.counts()
        return Consequences(
            texts=sum(n for (_, label), n in counts.texts.items() if label == old),
            pairs=label_set.between(self.db, self.id, old, into),
            teacher=self._loses_teacher(),
            students=label_set.count_students(self.db, self.id),
        )

    @needs("import")
    def merge(self, old: str, into: str) -> Consequences:
        """Make one label of two: texts of `old` are of `into`. Proposals between the two no longer change the label, so they
        do not count. Returns what it did. Raises BadInput if fewer than two labels would be left."""
        if old == into:
            raise BadInput(msg("Choose two different labels to merge."))
        task = self.row.task
        if len(task.labels) < 3:
            raise BadInput(msg("A project needs two labels. With only two, there is nothing to merge."))
        done = self.of_merging(old, into)
        keep = [i for i, label in enumerate(task.labels) if label != old]
        self._write(_of(task, keep), {old: into})
        return done

    def of_adding(self) -> Consequences:
        """What adding a label would do."""
        return Consequences(0, 0, self._loses_teacher(), label_set.count_students(self.db, self.id))

    @needs("import")
    def add(self, name: str, description: str = "") -> Consequences:
        """Add a label, without any texts. Returns what it did. Raises BadInput if a label has this name."""
        task, name, done = self.row.task, self._new_name(name), self.of_adding()
        said = description.strip()[: 5 * MOST_CHARACTERS]
        described = (*task.descriptions, said) if task.descriptions else ()
        if said and not described:
            described = (*[""] * len(task.labels), said)
        self._write(replace(task, labels=(*task.labels, name), descriptions=described), {})
        return done

    def _write(self, task: Task, renamed: Mapping[str, str]) -> None:
        """Store another number of labels. A classifier cannot answer with them and finished students do not: both go."""
        label_set.write(self.db, self.id, task, renamed, None if self._loses_teacher() else self.row.teacher)
        label_set.forget_students(self.db, self.id)
        self.results.forget()

    def _loses_teacher(self) -> bool:
        """Whether the teacher in use answers with a fixed list of labels."""
        choice = stored_choice(self.row.teacher)
        return choice is not None and not isinstance(choice, LlmChoice)

    def _place(self, label: str) -> int:
        if label not in self.labels:
            raise BadInput(
                say("{label!r} is no label of this project. Its labels are: {labels}.", label=label, labels=", ".join(self.labels))
            )
        return self.labels.index(label)

    def _new_name(self, name: str, but: str | None = None) -> str:
        name = " ".join(name.split())
        if not name or len(name) > MOST_CHARACTERS:
            raise BadInput(say("A label needs a name of 1 to {most} characters.", most=MOST_CHARACTERS))
        if any(folded(label) == folded(name) and label != but for label in self.labels):
            raise BadInput(say("The project has a label {name!r} already. To make one label of two, merge them.", name=name))
        if name == but:
            raise BadInput(msg("The label has this name already. Type another one."))
        return name


def _of(task: Task, keep: list[int]) -> Task:
    """The task with these labels only."""
    return replace(
        task,
        labels=tuple(task.labels[i] for i in keep),
        descriptions=tuple(task.descriptions[i] for i in keep) if task.descriptions else (),
    )
