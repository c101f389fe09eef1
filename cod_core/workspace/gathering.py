"""Data in: projects, samples, tables, hub sets."""

from dataclasses import dataclass, replace

from cod_core.data import samples
from cod_core.data.labels import folded, named_labels
from cod_core.errors import BadInput, ModelUnavailable
from cod_core.progress import Progress, silent
from cod_core.store import items, portable, projects
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
        """New project's id. Raises BadInput on fewer than two labels, empty or repeated names: two that differ in letter
        case or spaces only are one, since files spell them either way."""
        labels = [label.strip() for label in task.labels]
        if not name.strip():
            raise BadInput("The project needs a name.")
        alike = [(a, b) for at, a in enumerate(labels) for b in labels[at + 1:] if a and folded(a) == folded(b)]
        if alike:
            first, second = alike[0]
            raise BadInput(f"The label {first!r} came twice. Name each label once." if first == second else
                           f"The labels {first!r} and {second!r} differ in letter case or spaces only, so they count as one "
                           "label. Name each label once; a file may spell it either way.")
        if len(labels) < 2 or not all(labels):
            raise BadInput(f"A project needs at least two different labels; these came: {', '.join(labels) or 'none'}.")
        return projects.create_project(self.db, name.strip()[:120], replace(task, labels=tuple(labels)))

    def create_sample(self, name: str, progress: Progress = silent) -> str:
        """A project filled with a built-in sample and its teacher; opened again where it exists already.

        Where the archive cannot be had, a small written sample takes its place and the settings say so.
        """
        spec = samples.sample(name)
        if not has_builtin_teacher(name):
            raise BadInput(f"The sample {name!r} has no built-in teacher here. Choose one of: "
                           f"{', '.join(filter(has_builtin_teacher, samples.SAMPLES))}.")
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

    def import_table(self, pid: str, table, columns, role: str, labels_map, keep, sha256: str, name: str,
                     progress: Progress = silent):
        """Store the importable rows of a table and return the Import with its problems.

        role: labelled, test or unlabelled. labels_map: raw value -> label; where None, values that spell a label in
        whatever letter case and with whatever spaces. The same file twice changes nothing. Labelled rows are split
        automatically unless the table or an earlier file brings a test split; the Import's note says how.
        """
        from cod_core.data.split import split_examples
        from cod_core.data.tables import label_values, to_examples

        project = self.project(pid)
        names = labels_map or named_labels(label_values(table, columns), project.task.labels)
        progress(0, len(table.rows), "checking every row")
        found = to_examples(table, columns, names, role, keep)
        unknown = set(names.values()) - set(project.task.labels)
        if unknown:
            raise BadInput(f"These label names are not in the project: {', '.join(sorted(unknown))}.")
        if items.upload_seen(self.db, pid, f"{sha256}:{role}"):
            return found
        if not found.split_given:
            if any(split == "test" for split, _ in items.count_examples(self.db, pid)):
                found = replace(found, note="The project has test texts already, so all of these are for training.")
            else:
                made = split_examples(found.examples, seed=0)
                found = replace(found, examples=made.examples, note=made.note)
        total = len(found.examples)

        def counted():
            for done, example in enumerate(found.examples):
                if done % 1000 == 0:
                    progress(done, total, "saving the texts")
                yield example
        items.add_examples(self.db, pid, counted())
        items.record_upload(self.db, pid, f"{sha256}:{role}", name, role, total)
        progress(total, total, "done")
        return found

    def import_hub(self, pid: str, name: str, split: str, limit: int, progress: Progress = silent) -> int:
        """Rows added from a named hub data set. Raises ModelUnavailable where no hub can be reached."""
        from cod_core.data.hub import load_hub

        return items.add_examples(self.db, pid, load_hub(name, split, limit, progress))

    def examples(self, pid: str, split: str | None = None) -> list[Example]:
        return items.examples(self.db, pid, split=split)

    def summary(self, pid: str) -> Summary:
        """Counts of everything the stepper shows; no model is asked."""
        counts = items.count_examples(self.db, pid)
        task = self.project(pid).task
        train = {label: counts.get(("train", label), 0) for label in task.labels}
        state = self._state(pid)
        return Summary(
            counts=counts, largest_k=min(train.values()) * len(train), n_train=sum(train.values()),
            n_test=sum(n for (split, _), n in counts.items() if split == "test"),
            n_unlabelled=sum(n for (split, _), n in counts.items() if split == "unlabelled"),
            n_proposed_texts=len(state.snapshot.by_example), n_valid=len(state.flipped),
            n_decided=sum(1 for d in state.outcome.values() if d.status not in ("pending", "skipped")),
            n_accepted=sum(1 for d in state.outcome.values() if d.status in KEPT),
            teacher_label=self.teacher_label(pid), stale=state.stale)
