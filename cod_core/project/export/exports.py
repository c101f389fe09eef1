"""What leaves: the bundle, the plain .jsonl, CAD rows, columns; what would leave, and what in it may be personal."""

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cod_core.curation import agreement
from cod_core.data import sentences
from cod_core.errors import BadInput
from cod_core.export.choice import ExportChoice, exportable
from cod_core.export.flat import safe_csv
from cod_core.export.record import ExportItem
from cod_core.progress import Progress, silent
from cod_core.project.curation.guideline import Guidelines
from cod_core.project.curation.pairs import Pairs
from cod_core.project.export.selection import Selection
from cod_core.project.place import Place, Room, needs
from cod_core.project.texts.uploads import Uploads
from cod_core.settings import MAX_CHARS
from cod_core.store import items, projects
from cod_core.text import within
from cod_core.types import KEPT

if TYPE_CHECKING:
    from cod_core.export.changes import Changes
    from cod_core.export.forms import Then, Words


class Exports(Room):
    """The curated set as files."""

    def __init__(self, place: Place, uploads: Uploads, pairs: Pairs, guideline: Guidelines, selection: Selection):
        super().__init__(place)
        self.uploads = uploads
        self.pairs = pairs
        self.guideline = guideline
        self.selection = selection

    def counts(self, choice: ExportChoice = ExportChoice()) -> dict[str, int]:
        """What an export would hold: {"exported", "rejected", "other", "stale", "unflipped"}.

        stale: kept, without a verdict of the present teacher and without a reason; unflipped: kept, and the present
        teacher does not flip to the target. Neither leaves.
        """
        current = self.pairs.state()
        out = {"exported": 0, "rejected": 0, "other": 0, "stale": 0, "unflipped": 0}
        for example_id, made in current.outcome.items():
            example, cf = current.snapshot.examples.get(example_id), current.snapshot.counterfactuals.get(made.counterfactual_id)
            if example is None or cf is None:
                continue
            check = current.checks.get(cf.id)
            if not choice.takes(ExportItem(example, cf, check, made)):
                continue
            if made.status in KEPT:
                kind = "exported" if exportable(made, check) else "stale" if check is None else "unflipped"
            else:
                kind = "rejected" if made.status == "rejected" else "other"
            out[kind] += 1
        return out

    def why_nothing(self, choice: ExportChoice = ExportChoice()) -> str | None:
        """Why an export would hold no pair and what to do about it, in words; None where it would hold some."""
        counts = self.counts(choice)
        if counts["exported"] or (choice.rejected and counts["rejected"]):
            return None
        if counts["stale"] and self.row.teacher is None:
            return (
                "There is no teacher, so nothing says which accepted pairs flip it. Choose one on the Teacher page, or with "
                "the command teacher."
            )
        if counts["stale"]:
            return (
                f"The {counts['stale']} accepted pairs were checked by another teacher. Check them again on the Proposals "
                "page, or with the command curate and its option --check-again."
            )
        if counts["unflipped"]:
            return (
                f"The present teacher flips none of the {counts['unflipped']} accepted pairs. Edit them, or accept them again "
                "with a reason, on the Curate page or with the command curate and its options --edit and --override."
            )
        return (
            "No counterfactual is accepted yet. Accept some on the Curate page, or with the command curate, or let generate --accept do it."
        )

    def since(self, name: str, data: bytes, choice: ExportChoice = ExportChoice()) -> "Changes":
        """What became of the pairs since an earlier export, given as a file of any form. Raises BadInput where it holds no pairs."""
        from cod_core.export.bundle import kept_records
        from cod_core.export.changes import changes, of_record, read_pairs

        now = (of_record(record) for item in self.selection.stream(choice) for record in kept_records([item], self.id)[0])
        return changes(read_pairs(name, data), now)

    def preview(self, n: int = 3, choice: ExportChoice = ExportChoice()) -> list[dict[str, Any]]:
        """The first n records as they would leave."""
        from cod_core.export.bundle import kept_records

        found: list[dict[str, Any]] = []
        for item in self.selection.stream(choice):
            found += [r.model_dump() for r in kept_records([item], self.id)[0]]
            if len(found) >= n:
                break
        return found[:n]

    @needs("export")
    def write(self, path: str | Path, choice: ExportChoice = ExportChoice(), progress: Progress = silent, form: str = "") -> dict[str, Any]:
        """Write the set to a file: the zip of docs/record.md, plain .jsonl, pairs as .csv or CAD .tsv by the name's end, or `form`.

        form: a key of export.forms.FORMS, for other tools; those that are a folder are zipped where the name ends in .zip. Memory
        does not grow with the number of pairs. Returns the manifest of a bundle, {} else. Raises BadInput for another end,
        CodError where the file cannot be written.
        """
        from cod_core.export import bundle, forms

        wanted = forms.form_for(str(path), form)
        found = self.selection.stream(choice, progress)
        if wanted is not forms.BUNDLE:
            forms.write_form(path, wanted, found, self._words(), self.id)
            return {}
        project = self.row
        return bundle.write_bundle(
            path,
            project,
            found,
            self.selection.audit_rows(choice.anonymise),
            choice.rejected,
            guideline=self.guideline.current().text,
            filters=choice.as_filters(),
            about=project.settings.get("card") or {},
            opinions=agreement.told(agreement.of_logs(self.pairs.state().logs.values())),
        )

    def _words(self) -> "Words":
        """What files for other tools say of the project."""
        from cod_core.export.forms import Words

        task = self.row.task
        return Words(task.labels, task.descriptions, self.guideline.current().text)

    def then(self, form: str) -> "Then":
        """What a person does in the tool with a file of this form."""
        from cod_core.export.forms import FORMS

        return next(one.then(self._words()) for one in FORMS if one.key == form)

    @needs("export")
    def form(self, key: str, choice: ExportChoice = ExportChoice()) -> bytes:
        """The accepted set in a form for another tool (a key of export.forms.FORMS), as one file."""
        from cod_core.export.forms import FORMS

        name = next(one.name for one in FORMS if one.key == key)
        return self._exported(name, choice, form=key)

    def _exported(self, name: str, choice: ExportChoice, progress: Progress = silent, form: str = "") -> bytes:
        with tempfile.TemporaryDirectory(
            dir=self.place.settings.folder("tmp"), prefix=self.id
        ) as folder:  # goes with the project at the latest
            self.write(Path(folder) / name, choice, progress, form)
            return (Path(folder) / name).read_bytes()

    @needs("export")
    def bundle(self, rejected: bool = False, choice: ExportChoice | None = None, progress: Progress = silent) -> bytes:
        """The zip of docs/record.md: accepted and edited pairs, audit trail, schema, manifest."""
        return self._exported("set.zip", choice or ExportChoice(rejected=rejected), progress)

    @needs("export")
    def jsonl(self, choice: ExportChoice = ExportChoice()) -> bytes:
        """The accepted set as plain JSON lines."""
        return self._exported("set.jsonl", choice)

    @needs("export")
    def cad(self, choice: ExportChoice = ExportChoice()) -> bytes:
        """The accepted set as CAD pairs: two tab-separated rows a pair, joined by batch_id."""
        return self._exported("set.tsv", choice)

    @needs("export")
    def set_card(self, about: dict[str, Any]) -> None:
        """Keep what the data card says: description, license, languages (codes), authors, citation. Raises BadInput for too many words."""
        known = ("description", "license", "languages", "authors", "citation")
        card = {k: about[k] for k in known if about.get(k)}
        within(str(card), MAX_CHARS)
        projects.update_settings(self.db, self.id, {"card": card})

    def personal_data(self, choice: ExportChoice = ExportChoice(), limit: int = 50) -> tuple[dict[str, int], list[tuple[str, str, str]]]:
        """(kind -> pairs that likely hold it, up to `limit` of (example id, kind, the piece)) in what would leave."""
        from cod_core.export import personal

        counts: dict[str, int] = {}
        found: list[tuple[str, str, str]] = []
        for item in self.selection.stream(choice):
            made = item.decision
            if made.status not in KEPT and not (choice.rejected and made.status == "rejected"):
                continue
            parts = (
                item.example.text,
                item.counterfactual.text,
                made.comment,
                made.override_reason or "",
                item.proposed_text or "",
                item.counterfactual.raw_reply or "",
                *item.example.metadata.values(),
            )
            pieces = {hit.found: hit.kind for part in parts for hit in personal.hits(part)}
            for kind in set(pieces.values()):
                counts[kind] = counts.get(kind, 0) + 1
            found += [(item.example.id, kind, piece) for piece, kind in pieces.items()][: max(0, limit - len(found))]
        return counts, found

    @needs("hub push")
    def push_to_hub(
        self, repo: str, token: str | None, private: bool = True, choice: ExportChoice = ExportChoice(), endpoint: str | None = None
    ) -> str:
        """Send the set, as the zip holds it, to a data set repository of a hub; returns its address.

        Sent are exactly the files of `hub_plan`. Raises ModelUnavailable where the hub says no or is not reached.
        """
        from cod_core.export.hub import push

        return push(self.bundle(choice=choice), repo, token, private, endpoint)

    def hub_plan(self, choice: ExportChoice = ExportChoice()) -> list[tuple[str, int]]:
        """(file, bytes) of everything that push_to_hub would send. Sends nothing."""
        from cod_core.export.hub import files_of

        return [(name, len(body)) for name, body in files_of(self.bundle(choice=choice)).items()]

    @needs("export")
    def columns(self) -> bytes:
        """The accepted pairs as columns again (CSV, safe for spreadsheets): before and after of every column, and what
        changed outside of all of them. Raises BadInput where the project has no template."""
        template = self.uploads.template()
        if template is None:
            raise BadInput("The texts of this project did not come from columns.")
        kept = self.pairs.kept()
        texts = {e.id: e for e in items.examples(self.db, self.id, ids=list(kept))}
        named = self.row.settings["tabular"]["columns"]
        head = ["id", "label", "counterfactual_label", *(f"{c}{side}" for c in named for side in ("", " (changed)")), "changed elsewhere"]
        rows = []
        for example_id, (cf, _) in kept.items():
            example = texts[example_id]
            found = sentences.to_row(template, example.metadata, cf.text)
            cells = [v for c in named for v in (example.metadata.get(c, ""), found.values.get(c, ""))]
            rows.append([example_id, example.label or "", cf.target, *cells, "; ".join(found.outside)])
        return safe_csv(head, rows).encode("utf-8-sig")
