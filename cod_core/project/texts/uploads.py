"""Texts that come in: tables, hub sets, and tables of columns, whose rows become sentences by a template."""

from collections import Counter
from dataclasses import replace

from cod_core.data import sentences
from cod_core.data.labels import named_labels
from cod_core.errors import BadInput
from cod_core.progress import Progress, silent
from cod_core.project.place import Room
from cod_core.store import items
from cod_core.text import short_hash
from cod_core.types import Example


class Uploads(Room):
    """From files to texts."""

    def import_table(self, table, columns, role: str, labels_map, keep, sha256: str, name: str, progress: Progress = silent):
        """Store the importable rows of a table and return the Import: the texts that are new or got a label, and the problems.

        role: labelled, test or unlabelled. labels_map: raw value -> label; where None, values that spell a label in
        whatever letter case and with whatever spaces. The same file read alike twice changes nothing. Labelled rows are split
        automatically unless the table or an earlier file brings a test split; the Import's note says how. A text that was
        here without a label gets the one that comes. Problems are also rows that are here already, and rows whose words or
        source stand on another side of the split.
        """
        from cod_core.data.tables import label_values, to_examples

        project = self.row
        names = labels_map or named_labels(label_values(table, columns), project.task.labels)
        progress(0, len(table.rows), "checking every row")
        found = to_examples(table, columns, names, role, keep)
        unknown = set(names.values()) - set(project.task.labels)
        if unknown:
            raise BadInput(f"These label names are not in the project: {', '.join(sorted(unknown))}.")
        mark = f"{sha256}:{role}:{short_hash(*(f'{e.id} {e.label}' for e in found.examples))}"
        if items.upload_seen(self.db, self.id, mark):
            return replace(found, examples=[], label_counts={}, rows=[], seen=True)
        stored = items.examples(self.db, self.id)
        if not found.split_given:
            found = self._divided(found, stored)
        found = self._added(found, stored, progress)
        items.record_upload(self.db, self.id, mark, name, role, len(found.examples))
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

    def _added(self, found, stored: list[Example], progress: Progress):
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

        items.add_examples(self.db, self.id, counted())
        if met.labelled:
            items.label_examples(self.db, self.id, met.labelled)
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

    def import_hub(self, name: str, split: str, limit: int, progress: Progress = silent):
        """Rows of a named hub data set, stored as those of a table are (import_table): the Import, rows counted from 1.

        Raises ModelUnavailable where no hub can be reached, BadInput where the set has labels that the project has not.
        """
        from cod_core.data.hub import hub_set, load_hub
        from cod_core.data.tables import Import

        labels, theirs = self.labels, hub_set(name).task.labels
        names = named_labels(theirs, labels)
        if len(names) < len(theirs):
            raise BadInput(
                f"The set {name!r} has the labels {', '.join(theirs)}; the project has {', '.join(labels)}. Begin a new project with it."
            )
        found = [replace(e, label=names[str(e.label)]) for e in load_hub(name, split, limit, progress)]
        return self._added(Import(found, [], {}, True, rows=list(range(1, len(found) + 1))), items.examples(self.db, self.id), progress)

    def template(self) -> str | None:
        """The project's template; None where its texts came as texts."""
        return (self.row.settings.get("tabular") or {}).get("template")

    def rows_as_sentences(self, table, template: str):
        """(table with a sentence column, the column's name, the columns to keep so that edits can be led back).

        Remembers the template. Raises BadInput where it names unknown columns, or another template is in use already.
        """
        named = sentences.fields_of(template, table.columns)
        known = self.template()
        if known is not None and known != template and items.count_examples(self.db, self.id):
            raise BadInput(f"This project's sentences are made by another template: {known} Use it, or make a new project.")
        made = sentences.with_sentences(table, template)
        self.place.update(tabular={"template": template, "columns": named})
        return made, made.columns[-1], named
