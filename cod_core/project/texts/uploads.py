"""Texts that come in: tables, hub sets, and tables of columns, whose rows become sentences by a template."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from cod_core.data import sentences
from cod_core.data.counts import Counts
from cod_core.data.labels import meaning, named_labels
from cod_core.data.meeting import beside_stored, meet, with_sources
from cod_core.data.split import split_examples
from cod_core.data.tables import Columns, Import, Problem, Table, label_values, of_pairs, to_examples
from cod_core.errors import BadInput
from cod_core.progress import Progress, silent
from cod_core.project.place import Room, needs
from cod_core.said import and_more, msg, say, together
from cod_core.store import items, runs
from cod_core.store.projects import new_id
from cod_core.text import short_hash
from cod_core.types import Example

_ALL_TRAIN = msg("The project has test texts already, so all of these are for training.")


def divided(read: Import, stored: list[Example], own_test: bool = False) -> Import:
    """The Import with its rows split; those that meet stored texts on their side. own_test: no rows are held out for the test,
    which is so too where the test texts came first."""
    tested = any(e.split == "test" for e in stored)
    if tested and any(e.split in ("train", "validation") and e.label is not None for e in stored):
        return replace(read, note=together([read.note, say(_ALL_TRAIN)]))
    labelled = {e.id for e in stored if e.label is not None}
    fresh = [e for e in with_sources(read.examples, stored) if e.id not in labelled]
    split = split_examples(fresh, seed=0, test=0.0) if own_test or tested else split_examples(fresh, seed=0)
    by_id = {e.id: e for e in beside_stored(fresh, split.examples, stored)}
    note = _beside_a_test(by_id.values()) if tested else split.note
    return replace(read, examples=[by_id.get(e.id, e) for e in read.examples], note=together([read.note, note]))


def _beside_a_test(split: Iterable[Example]) -> str:
    """How texts were divided that came after test texts had."""
    held = sum(e.split == "validation" for e in split)
    if not held:
        return say(_ALL_TRAIN)
    if held == 1:
        return say("The project has test texts already, so 1 text of these is kept for development and the others train.")
    return say("The project has test texts already, so {n:,} texts of these are kept for development and the others train.", n=held)


def _training(stored: Sequence[Example], back: Sequence[Example]) -> list[Example]:
    """The stored texts once these train."""
    ids = {e.id for e in back}
    return [replace(e, split="train") if e.id in ids else e for e in stored]


def checked_rows(
    labels: Sequence[str],
    table: Table,
    columns: Columns,
    role: str,
    labels_map: Mapping[str, str] | None,
    keep: Sequence[str],
    progress: Progress = silent,
) -> Import:
    """The importable rows of a table for a project with these labels, not divided yet. The rest as Uploads.import_table.

    Raises BadInput where the map names other labels.
    """
    meant = meaning(list(label_values(table, columns)), labels)
    names = labels_map or meant.names
    progress(0, len(table.rows), msg("checking every row"))
    read = to_examples(table, columns, names, role, keep)
    said = "" if labels_map or role == "unlabelled" else meant.note
    unknown = set(names.values()) - set(labels)
    if unknown:
        raise BadInput(say("These label names are not in the project: {labels}.", labels=", ".join(sorted(unknown))))
    return replace(read, note=together([said, of_pairs(table)]))


def hub_rows(name: str, split: str, limit: int, labels: tuple[str, ...], progress: Progress = silent) -> Import:
    """Rows of a named hub data set for a project with these labels, counted from 1.

    Raises ModelUnavailable where no hub can be reached, BadInput where the set has labels that the project has not.
    """
    from cod_core.data.hub import hub_set, load_hub

    theirs = hub_set(name).task.labels
    names = named_labels(theirs, labels)
    if len(names) < len(theirs):
        raise BadInput(
            say(
                "The set {name!r} has the labels {theirs}; the project has {labels}. Begin a new project with it.",
                name=name,
                theirs=", ".join(theirs),
                labels=", ".join(labels),
            )
        )
    rows = [replace(e, label=names[str(e.label)]) for e in load_hub(name, split, limit, progress)]
    return Import(rows, [], {}, True, rows=list(range(1, len(rows) + 1)))


def unjudged(counts: Counts, labels: Sequence[str]) -> str:
    """What to say of labels that no test text has: nothing measured on the test speaks of them. '' where there are none."""
    missing = counts.unjudged(labels)
    if not missing:
        return ""
    names = and_more([repr(label) for label in missing], 8)
    return say("No test text is labelled {labels}, so the results cannot judge how well that is told: add test texts of it.", labels=names)


class Uploads(Room):
    """From files to texts."""

    @needs("import")
    def import_table(
        self,
        table: Table,
        columns: Columns,
        role: str,
        labels_map: Mapping[str, str] | None,
        keep: Sequence[str],
        sha256: str,
        name: str,
        progress: Progress = silent,
        own_test: bool = False,
    ) -> Import:
        """Store the importable rows of a table and return the Import: the texts that are new or got a label, and the problems.

        role: labelled, test or unlabelled. labels_map: raw value -> label; where None, values that spell a label in
        whatever letter case and with whatever spaces, or count the labels (labels.meaning, said in the note). own_test: a test
        file will come, so no rows are held out for it. The same file read alike twice changes nothing. Labelled rows are split
        automatically unless the table or an earlier file brings a test split; the Import's note says how. Rows that were held
        out for want of a test file train again once one comes, unless students were compared on them. A text that was
        here without a label gets the one that comes. Problems are also rows that are here already, and rows whose words or
        source stand on another side of the split.
        """
        read = checked_rows(self.labels, table, columns, role, labels_map, keep, progress)
        return self.take(read, role, sha256, name, progress, own_test)

    @needs("import")
    def take(self, read: Import, role: str, sha256: str, name: str, progress: Progress = silent, own_test: bool = False) -> Import:
        """Store rows that were checked, all that is to be kept of them or nothing; the rest as import_table."""
        with self.db.together():
            return self._taken(read, role, sha256, name, progress, own_test)

    def _taken(self, read: Import, role: str, sha256: str, name: str, progress: Progress, own_test: bool) -> Import:
        mark = f"{sha256}:{role}:{short_hash(*(f'{e.id} {e.label}' for e in read.examples))}"
        if items.upload_seen(self.db, self.id, mark):
            return replace(read, examples=[], label_counts={}, rows=[], seen=True)
        stored = items.examples(self.db, self.id)
        if read.split_given:
            back = self._held_out(stored) if any(e.split == "test" for e in read.examples) else []
            added = self._added(read, _training(stored, back), progress)
            added = self._train_again(added, back)
        else:
            added = self._added(divided(read, stored, own_test), stored, progress)
            if any(e.split == "test" for e in added.examples):
                self.place.update(held_out=True)
        self._record(mark, name, role, added)
        return added

    def train_again(self) -> int:
        """How many texts that were held out for want of a test file would train again once one comes."""
        return len(self._held_out(items.examples(self.db, self.id, "test")))

    def _held_out(self, stored: Sequence[Example]) -> list[Example]:
        """The stored texts that were held out for want of a test file and may train again."""
        if not self.row.settings.get("held_out") or runs.runs(self.db, self.id):
            return []
        return [e for e in stored if e.split == "test"]

    def _train_again(self, added: Import, back: Sequence[Example]) -> Import:
        """Once test texts have come, those that were held out train; the Import says how many."""
        if not back or not any(e.split == "test" for e in added.examples):
            return added
        items.label_examples(self.db, self.id, [replace(e, split="train") for e in back])
        self.place.update(held_out=False)
        note = (
            say("1 text held out for want of a test file trains again.")
            if len(back) == 1
            else say("{n:,} texts held out for want of a test file train again.", n=len(back))
        )
        return replace(added, note=together([added.note, note]))

    def _record(self, mark: str, name: str, role: str, added: Import) -> None:
        items.record_upload(self.db, self.id, mark, name, role, len(added.examples), self.place.person, items.size_of(added.examples))

    def _added(self, read: Import, stored: list[Example], progress: Progress) -> Import:
        """Store what is new or gives a stored text its label; the Import of these, with the other rows as problems.

        Raises CodError where that is more than the actor may bring.
        """
        met, row_of = meet(read.examples, stored), dict(zip((e.id for e in read.examples), read.rows))
        total = len(met.new)
        self.place.need_room(total, items.size_of(met.new))

        def counted() -> Iterator[Example]:
            for done, example in enumerate(met.new):
                if done % 1000 == 0:
                    progress(done, total, msg("saving the texts"))
                yield example

        items.add_examples(self.db, self.id, counted())
        if met.labelled:
            items.label_examples(self.db, self.id, met.labelled)
        progress(total, total, msg("done"))
        taken = [*met.new, *met.labelled]
        counts = items.counts(self.db, self.id)
        missing = unjudged(counts, self.labels) if any(e.label is not None for e in taken) else ""
        note = say("Texts that were here without a label and have got it: {n:,}.", n=len(met.labelled)) if met.labelled else ""
        return replace(
            read,
            examples=taken,
            rows=[row_of[e.id] for e in taken],
            note=together([read.note, note, missing]),
            label_counts=dict(Counter(e.label for e in taken if e.label is not None)),
            problems=sorted([*read.problems, *(Problem(read.rows[i], why) for i, why in met.refused)], key=lambda p: p.row),
        )

    @needs("import")
    def import_hub(self, name: str, split: str, limit: int, progress: Progress = silent) -> Import:
        """Rows of a named hub data set, stored as those of a table are (import_table): the Import, rows counted from 1.

        Raises ModelUnavailable where no hub can be reached, BadInput where the set has labels that the project has not.
        """
        return self.take_hub(hub_rows(name, split, limit, self.labels, progress), name, split, progress)

    @needs("import")
    def take_hub(self, read: Import, name: str, split: str, progress: Progress = silent) -> Import:
        """Store the rows of a hub data set (hub_rows), all or none; the rest as import_hub."""
        with self.db.together():
            added = self._added(read, items.examples(self.db, self.id), progress)
            self._record(f"hub:{new_id()}", name, split, added)
        return added

    def template(self) -> str | None:
        """The project's template; None where its texts came as texts."""
        return (self.row.settings.get("tabular") or {}).get("template")

    @needs("import")
    def rows_as_sentences(self, table: Table, template: str) -> tuple[Table, str, list[str]]:
        """(table with a sentence column, the column's name, the columns to keep so that edits can be led back).

        Remembers the template. Raises BadInput where it names unknown columns, or another template is in use already.
        """
        present = self.template()
        if present is not None and present != template and items.counts(self.db, self.id).total:
            raise BadInput(
                say("This project's sentences are made by another template: {template} Use it, or make a new project.", template=present)
            )
        widened, named = sentences.with_sentences(table, template), sentences.fields_of(template, table.columns)
        self.remember(template, named)
        return widened, widened.columns[-1], named

    @needs("import")
    def remember(self, template: str, named: Sequence[str]) -> None:
        """Make sentences by this template, of these columns, from now on."""
        self.place.update(tabular={"template": template, "columns": list(named)})
