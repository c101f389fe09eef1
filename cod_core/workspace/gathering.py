"""Data in: projects, samples, tables, hub sets."""

from collections import Counter
from dataclasses import dataclass, replace

from cod_core.data import samples
from cod_core.data.labels import named_labels
from cod_core.errors import BadInput, ModelUnavailable
from cod_core.progress import Progress, silent
from cod_core.store import items, portable, projects
from cod_core.text import folded, short_hash
from cod_core.types import KEPT, Example, Task
from cod_core.workspace.base import Base


@dataclass(frozen=True)
class Summary:
    """Counts for the stepper. counts: (split, label) -> texts. largest_k: most balanced rows the labels allow."""

    counts: dict[tuple[str, str | None], int]
    largest_k: int
    n_train: int
    n_test: int
    n_unlabelled: int
    n_proposed_texts: int
    n_valid: int
    n_decided: int
    n_accepted: int
    teacher_label: str | None
    stale: int


def has_builtin_teacher(name: str) -> bool:
    """Whether a teacher for this sample comes with the app."""
    from cod_core.models.teachers import BUILTIN

    return (BUILTIN / name / "teacher.json").exists()


class Gathering(Base):
    """Projects and what is in them."""

    def create_project(self, name: str, task: Task) -> str:
        """New project's id. Raises BadInput on fewer than two labels, empty or repeated names (two that differ in letter
        case or spaces only are one, since files spell them either way), or descriptions that are not one a label."""
        labels = [label.strip() for label in task.labels]
        if not name.strip():
            raise BadInput("The project needs a name.")
        alike = [(a, b) for at, a in enumerate(labels) for b in labels[at + 1 :] if a and folded(a) == folded(b)]
        if alike:
            first, second = alike[0]
            raise BadInput(
                f"The label {first!r} came twice. Name each label once."
                if first == second
                else f"The labels {first!r} and {second!r} differ in letter case or spaces only, so they count as one "
                "label. Name each label once; a file may spell it either way."
            )
        if len(labels) < 2 or not all(labels):
            raise BadInput(f"A project needs at least two different labels; these came: {', '.join(labels) or 'none'}.")
        if task.descriptions and len(task.descriptions) != len(labels):
            raise BadInput(f"There are {len(labels)} labels and {len(task.descriptions)} descriptions. Give one a label, or none.")
        return projects.create_project(self.db, name.strip()[:120], replace(task, labels=tuple(labels)))

    def create_sample(self, name: str, progress: Progress = silent) -> str:
        """A project filled with a built-in sample and its teacher; opened again where it exists already.

        Where the archive cannot be had, a small written sample takes its place and the settings say so.
        """
        spec = samples.sample(name)
        if not has_builtin_teacher(name):
            raise BadInput(
                f"The sample {name!r} has no built-in teacher here. Choose one of: "
                f"{', '.join(filter(has_builtin_teacher, samples.SAMPLES))}."
            )
        for project in self.projects():
            if project.settings.get("sample") == name:
                if project.archived_at is not None:
                    portable.archive(self.db, project.id, False)
                return project.id
        progress(0, 2, "fetching the sample")
        notice = None
        try:
            examples = samples.load_sample(name, self.settings.folder("samples"))
        except ModelUnavailable as error:
            from cod_core.data.written_sample import written_sample

            examples, notice = written_sample(), str(error)
            spec = samples.sample("movies")
        progress(1, 2, "saving the sample")
        pid = projects.create_project(self.db, f"Sample: {spec.title}", spec.task)
        items.add_examples(self.db, pid, examples)
        self.set_teacher(pid, {"kind": "builtin", "name": spec.name})
        projects.update_settings(self.db, pid, {"sample": name, "notice": notice})
        progress(2, 2, "ready")
        return pid

    def import_table(self, pid: str, table, columns, role: str, labels_map, keep, sha256: str, name: str, progress: Progress = silent):
        """Store the importable rows of a table and return the Import: the texts that are new or got a label, and the problems.

        role: labelled, test or unlabelled. labels_map: raw value -> label; where None, values that spell a label in
        whatever letter case and with whatever spaces. The same file read alike twice changes nothing. Labelled rows are split
        automatically unless the table or an earlier file brings a test split; the Import's note says how. A text that was
        here without a label gets the one that comes. Problems are also rows that are here already, and rows whose words or
        source stand on another side of the split.
        """
        from cod_core.data.tables import label_values, to_examples

        project = self.project(pid)
        names = labels_map or named_labels(label_values(table, columns), project.task.labels)
        progress(0, len(table.rows), "checking every row")
        found = to_examples(table, columns, names, role, keep)
        unknown = set(names.values()) - set(project.task.labels)
        if unknown:
            raise BadInput(f"These label names are not in the project: {', '.join(sorted(unknown))}.")
        mark = f"{sha256}:{role}:{short_hash(*(f'{e.id} {e.label}' for e in found.examples))}"
        if items.upload_seen(self.db, pid, mark):
            return replace(found, examples=[], label_counts={}, rows=[], seen=True)
        stored = items.examples(self.db, pid)
        if not found.split_given:
            found = self._divided(found, stored)
        found = self._added(pid, found, stored, progress)
        items.record_upload(self.db, pid, mark, name, role, len(found.examples))
        return found

    @staticmethod
    def _divided(found, stored: list[Example]):
        """The Import with its rows split; those that meet stored texts on their side."""
        from cod_core.data.meeting import beside_stored, with_sources
        from cod_core.data.split import split_examples

        if any(e.split == "test" for e in stored):
            return replace(found, note="The project has test texts already, so all of these are for training.")
        labelled = {e.id for e in stored if e.label is not None}
        fresh = [e for e in with_sources(found.examples, stored) if e.id not in labelled]
        made = split_examples(fresh, seed=0)
        divided = {e.id: e for e in beside_stored(fresh, made.examples, stored)}
        return replace(found, examples=[divided.get(e.id, e) for e in found.examples], note=made.note)

    def _added(self, pid: str, found, stored: list[Example], progress: Progress):
        """Store what is new or gives a stored text its label; the Import of these, with the other rows as problems."""
        from cod_core.data.meeting import meet
        from cod_core.data.tables import Problem

        met, row_of = meet(found.examples, stored), dict(zip((e.id for e in found.examples), found.rows))
        total = len(met.new)

        def counted():
            for done, example in enumerate(met.new):
                if done % 1000 == 0:
                    progress(done, total, "saving the texts")
                yield example

        items.add_examples(self.db, pid, counted())
        if met.labelled:
            items.label_examples(self.db, pid, met.labelled)
            self._forget(pid)
        progress(total, total, "done")
        taken = [*met.new, *met.labelled]
        note = f"Texts that were here without a label and have got it: {len(met.labelled):,}." if met.labelled else ""
        return replace(
            found,
            examples=taken,
            rows=[row_of[e.id] for e in taken],
            note=f"{found.note} {note}".strip(),
            label_counts=dict(Counter(e.label for e in taken if e.label is not None)),
            problems=sorted([*found.problems, *(Problem(found.rows[at], why) for at, why in met.refused)], key=lambda p: p.row),
        )

    def import_hub(self, pid: str, name: str, split: str, limit: int, progress: Progress = silent):
        """Rows of a named hub data set, stored as those of a table are (import_table): the Import, rows counted from 1.

        Raises ModelUnavailable where no hub can be reached, BadInput where the set has labels that the project has not.
        """
        from cod_core.data.hub import hub_set, load_hub
        from cod_core.data.tables import Import

        labels, theirs = self.project(pid).task.labels, hub_set(name).task.labels
        names = named_labels(theirs, labels)
        if len(names) < len(theirs):
            raise BadInput(
                f"The set {name!r} has the labels {', '.join(theirs)}; the project has {', '.join(labels)}. Begin a new project with it."
            )
        found = [replace(e, label=names[str(e.label)]) for e in load_hub(name, split, limit, progress)]
        return self._added(pid, Import(found, [], {}, True, rows=list(range(1, len(found) + 1))), items.examples(self.db, pid), progress)

    def examples(self, pid: str, split: str | None = None) -> list[Example]:
        return items.examples(self.db, pid, split=split)

    def summary(self, pid: str) -> Summary:
        """Counts of everything the stepper shows; no model is asked."""
        counts = items.count_examples(self.db, pid)
        task = self.project(pid).task
        train = {label: counts.get(("train", label), 0) for label in task.labels}
        state = self._state(pid)
        return Summary(
            counts=counts,
            largest_k=min(train.values()) * len(train),
            n_train=sum(train.values()),
            n_test=sum(n for (split, _), n in counts.items() if split == "test"),
            n_unlabelled=sum(n for (split, _), n in counts.items() if split == "unlabelled"),
            n_proposed_texts=len(state.snapshot.by_example),
            n_valid=len(state.flipped),
            n_decided=sum(1 for d in state.outcome.values() if d.status not in ("pending", "skipped")),
            n_accepted=sum(1 for d in state.outcome.values() if d.status in KEPT),
            teacher_label=self.teacher_label(pid),
            stale=state.stale,
        )
