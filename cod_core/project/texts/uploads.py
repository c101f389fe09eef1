"""Texts that come in: tables, hub sets, and tables of columns, whose rows become sentences by a template."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from cod_core.data import sentences
from cod_core.data.labels import named_labels
from cod_core.data.meeting import beside_stored, meet, with_sources
from cod_core.data.split import split_examples
from cod_core.data.tables import Columns, Import, Problem, Table, label_values, to_examples
from cod_core.errors import BadInput
from cod_core.progress import Progress, silent
from cod_core.project.place import Room, needs
from cod_core.store import items
from cod_core.text import short_hash
from cod_core.types import Example


def divided(read: Import, stored: list[Example]) -> Import:
    """The Import with its rows split; those that meet stored texts on their side."""
    if any(e.split == "test" for e in stored):
        return replace(read, note="The project has test texts already, so all of these are for training.")
    labelled = {e.id for e in stored if e.label is not None}
    fresh = [e for e in with_sources(read.examples, stored) if e.id not in labelled]
    split = split_examples(fresh, seed=0)
    by_id = {e.id: e for e in beside_stored(fresh, split.examples, stored)}
    return replace(read, examples=[by_id.get(e.id, e) for e in read.examples], note=split.note)


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
    ) -> Import:
        """Store the importable rows of a table and return the Import: the texts that are new or got a label, and the problems.

        role: labelled, test or unlabelled. labels_map: raw value -> label; where None, values that spell a label in
        whatever letter case and with whatever spaces. The same file read alike twice changes nothing. Labelled rows are split
        automatically unless the table or an earlier file brings a test split; the Import's note says how. A text that was
        here without a label gets the one that comes. Problems are also rows that are here already, and rows whose words or
        source stand on another side of the split.
        """
        names = labels_map or named_labels(label_values(table, columns), self.labels)
        progress(0, len(table.rows), "checking every row")
        read = to_examples(table, columns, names, role, keep)
        unknown = set(names.values()) - set(self.labels)
        if unknown:
            raise BadInput(f"These label names are not in the project: {', '.join(sorted(unknown))}.")
        mark = f"{sha256}:{role}:{short_hash(*(f'{e.id} {e.label}' for e in read.examples))}"
        if items.upload_seen(self.db, self.id, mark):
            return replace(read, examples=[], label_counts={}, rows=[], seen=True)
        stored = items.examples(self.db, self.id)
        added = self._added(read if read.split_given else divided(read, stored), stored, progress)
        items.record_upload(self.db, self.id, mark, name, role, len(added.examples))
        return added

    def _added(self, read: Import, stored: list[Example], progress: Progress) -> Import:
        """Store what is new or gives a stored text its label; the Import of these, with the other rows as problems."""
        met, row_of = meet(read.examples, stored), dict(zip((e.id for e in read.examples), read.rows))
        total = len(met.new)

        def counted() -> Iterator[Example]:
            for done, example in enumerate(met.new):
                if done % 1000 == 0:
                    progress(done, total, "saving the texts")
                yield example

        items.add_examples(self.db, self.id, counted())
        if met.labelled:
            items.label_examples(self.db, self.id, met.labelled)
        progress(total, total, "done")
        taken = [*met.new, *met.labelled]
        note = f"Texts that were here without a label and have got it: {len(met.labelled):,}." if met.labelled else ""
        return replace(
            read,
            examples=taken,
            rows=[row_of[e.id] for e in taken],
            note=f"{read.note} {note}".strip(),
            label_counts=dict(Counter(e.label for e in taken if e.label is not None)),
            problems=sorted([*read.problems, *(Problem(read.rows[i], why) for i, why in met.refused)], key=lambda p: p.row),
        )

    @needs("import")
    def import_hub(self, name: str, split: str, limit: int, progress: Progress = silent) -> Import:
        """Rows of a named hub data set, stored as those of a table are (import_table): the Import, rows counted from 1.

        Raises ModelUnavailable where no hub can be reached, BadInput where the set has labels that the project has not.
        """
        from cod_core.data.hub import hub_set, load_hub

        labels, theirs = self.labels, hub_set(name).task.labels
        names = named_labels(theirs, labels)
        if len(names) < len(theirs):
            raise BadInput(
                f"The set {name!r} has the labels {', '.join(theirs)}; the project has {', '.join(labels)}. Begin a new project with it."
            )
        rows = [replace(e, label=names[str(e.label)]) for e in load_hub(name, split, limit, progress)]
        numbered = Import(rows, [], {}, True, rows=list(range(1, len(rows) + 1)))
        return self._added(numbered, items.examples(self.db, self.id), progress)

    def template(self) -> str | None:
        """The project's template; None where its texts came as texts."""
        return (self.row.settings.get("tabular") or {}).get("template")

    @needs("import")
    def rows_as_sentences(self, table: Table, template: str) -> tuple[Table, str, list[str]]:
        """(table with a sentence column, the column's name, the columns to keep so that edits can be led back).

        Remembers the template. Raises BadInput where it names unknown columns, or another template is in use already.
        """
        named = sentences.fields_of(template, table.columns)
        present = self.template()
        if present is not None and present != template and items.counts(self.db, self.id).total:
            raise BadInput(f"This project's sentences are made by another template: {present} Use it, or make a new project.")
        widened = sentences.with_sentences(table, template)
        self.place.update(tabular={"template": template, "columns": named})
        return widened, widened.columns[-1], named
