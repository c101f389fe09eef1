"""What leaves: the bundle, the plain .jsonl, the student; and a bundle's way back in."""

import tempfile
from dataclasses import replace
from pathlib import Path

from cod_core.data.reading import Problem
from cod_core.errors import BadInput, NotEnoughData
from cod_core.export.record import ExportItem
from cod_core.progress import Progress, silent
from cod_core.store import decisions, guidelines, items, projects, runs
from cod_core.text import short_hash
from cod_core.types import KEPT, Guideline, Origin
from cod_core.workspace.choosing import Choosing, ExportChoice, exportable
from cod_core.workspace.trying import standing

ENDS = (".zip", ".jsonl", ".tsv")


class Leaving(Choosing):
    """Exports, and the import of one's own export."""

    def export_counts(self, pid: str, choice: ExportChoice = ExportChoice()) -> dict:
        """What an export would hold: {"exported", "rejected", "other", "stale", "unflipped"}.

        stale: kept, without a verdict of the present teacher and without a reason; unflipped: kept, and the present
        teacher does not flip to the target. Neither leaves.
        """
        current = self._state(pid)
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

    def why_nothing(self, pid: str, choice: ExportChoice = ExportChoice()) -> str | None:
        """Why an export would hold no pair and what to do about it, in words; None where it would hold some."""
        counts = self.export_counts(pid, choice)
        if counts["exported"] or (choice.rejected and counts["rejected"]):
            return None
        if counts["stale"] and self.project(pid).teacher is None:
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

    def export_preview(self, pid: str, n: int = 3, choice: ExportChoice = ExportChoice()) -> list[dict]:
        """The first n records as they would leave."""
        from cod_core.export.bundle import kept_records

        found: list[dict] = []
        for item in self.stream_items(pid, choice):
            found += [r.model_dump() for r in kept_records([item], pid)[0]]
            if len(found) >= n:
                break
        return found[:n]

    def write_export(self, pid: str, path: str | Path, choice: ExportChoice = ExportChoice(), progress: Progress = silent) -> dict:
        """Write the set to a file: the zip of RECORD.md, or by the name's end plain .jsonl or CAD .tsv.

        Memory does not grow with the number of pairs. Returns the manifest of a zip, {} else. Raises BadInput for another
        end, CodError where the file cannot be written.
        """
        from cod_core.export import bundle

        end = Path(path).suffix.lower()
        if end not in ENDS:
            raise BadInput(f"The name of an export ends in {', '.join(ENDS)}, which says what is written; got {Path(path).name!r}.")
        found = self.stream_items(pid, choice, progress)
        if end == ".jsonl":
            bundle.write_jsonl(path, found, pid)
            return {}
        if end == ".tsv":
            bundle.write_cad(path, found, pid)
            return {}
        project = self.project(pid)
        return bundle.write_bundle(
            path,
            project,
            found,
            self.audit_rows(pid, choice.anonymise),
            choice.rejected,
            guideline=self.guideline(pid).text,
            filters=choice.as_filters(),
            about=project.settings.get("card") or {},
        )

    def _exported(self, pid: str, name: str, choice: ExportChoice, progress: Progress = silent) -> bytes:
        with tempfile.TemporaryDirectory(dir=self.settings.folder("tmp"), prefix=pid) as folder:  # goes with the project at the latest
            self.write_export(pid, Path(folder) / name, choice, progress)
            return (Path(folder) / name).read_bytes()

    def export_bundle(self, pid: str, rejected: bool = False, choice: ExportChoice | None = None, progress: Progress = silent) -> bytes:
        """The zip of RECORD.md: accepted and edited pairs, audit trail, schema, manifest."""
        return self._exported(pid, "set.zip", choice or ExportChoice(rejected=rejected), progress)

    def export_jsonl(self, pid: str, choice: ExportChoice = ExportChoice()) -> bytes:
        """The accepted set as plain JSON lines."""
        return self._exported(pid, "set.jsonl", choice)

    def export_cad(self, pid: str, choice: ExportChoice = ExportChoice()) -> bytes:
        """The accepted set as CAD pairs: two tab-separated rows a pair, joined by batch_id."""
        return self._exported(pid, "set.tsv", choice)

    def set_card(self, pid: str, about: dict) -> None:
        """Keep what the data card says: description, license, languages (codes), authors, citation."""
        known = ("description", "license", "languages", "authors", "citation")
        projects.update_settings(self.db, pid, {"card": {k: about[k] for k in known if about.get(k)}})

    def personal_data(self, pid: str, choice: ExportChoice = ExportChoice(), limit: int = 50) -> tuple[dict[str, int], list]:
        """(kind -> pairs that likely hold it, up to `limit` of (example id, kind, the piece)) in what would leave."""
        from cod_core.export import personal

        counts: dict[str, int] = {}
        found: list[tuple[str, str, str]] = []
        for item in self.stream_items(pid, choice):
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

    def push_to_hub(
        self,
        pid: str,
        repo: str,
        token: str | None,
        private: bool = True,
        choice: ExportChoice = ExportChoice(),
        endpoint: str | None = None,
    ) -> str:
        """Send the set, as the zip holds it, to a data set repository of a hub; returns its address.

        Sent are exactly the files of `hub_plan`. Raises ModelUnavailable where the hub says no or is not reached.
        """
        from cod_core.export.hub import push

        return push(self.export_bundle(pid, choice=choice), repo, token, private, endpoint)

    def hub_plan(self, pid: str, choice: ExportChoice = ExportChoice()) -> list[tuple[str, int]]:
        """(file, bytes) of everything that push_to_hub would send. Sends nothing."""
        from cod_core.export.hub import files_of

        return [(name, len(body)) for name, body in files_of(self.export_bundle(pid, choice=choice)).items()]

    def export_student(self, pid: str, run_id: str | None = None) -> bytes:
        """A student as a zip that loads without this app: the named run, else the best by development rows.

        Raises NotEnoughData before the first sweep.
        """
        from cod_core.workspace.trying import zipped

        return zipped(self._student_folder(pid, self.chosen_student(pid, run_id)))

    def chosen_student(self, pid: str, run_id: str | None = None):
        """The run named, else the present teacher's best by development rows whose weights are kept. Raises NotEnoughData,
        BadInput."""
        self.project(pid)
        found = {r.config.run_id: r for r in runs.runs(self.db, pid) if r.path is not None}
        if run_id is None:
            present = [r for r in self.present_students(pid) if r.path is not None]
            with_cfes = [r for r in present if r.config.arm in ("cod", "cod_plus")] or present
            if not with_cfes:
                raise NotEnoughData("There is no student yet. Distil first.")
            run_id = max(with_cfes, key=standing).config.run_id
        if run_id not in found:
            raise BadInput(f"There is no student {run_id!r} whose weights are kept.")
        return found[run_id]

    def _student_folder(self, pid: str, run) -> Path:
        """The student as a folder with a loader beside it, written out on first use."""
        from safetensors.numpy import load_file

        from cod_core.export.student import write_finetuned_student, write_student

        room = self.settings.folder("students", pid)
        folder, labels = self.settings.folder("exports", pid) / run.config.run_id, self.project(pid).task.labels
        info = {"arm": run.config.arm, "training_rows": run.config.shots, "test": run.test}
        if run.config.student != "linear":
            return write_finetuned_student(folder, room / run.config.run_id, {"student": run.config.student, **info})
        self.encoder_of(run.config)
        head = load_file(room / f"{run.config.run_id}.safetensors")
        write_student(folder, run.config.encoder, head["weight"], head["bias"], labels, 10.0, info)
        return folder

    def import_bundle(self, pid: str | None, data: bytes) -> tuple[str, list[Problem]]:
        """Restore an exported bundle into a project (a new one where pid is None); returns the project's id and what was left out.

        Texts, counterfactuals, verdicts and decisions come back as they were. Left out, with all that hangs on them, are texts
        whose words or source stand on another side of the split; a decision gives way to a later one that is here. Their row
        counts the bundle's pairs from 1. Raises BadInput naming what is wrong with the file, or labels that the project does not
        have: nothing is kept then.
        """
        from cod_core.export.restore import open_bundle

        bundle = open_bundle(data)
        labels = (self.project(pid).task if pid else bundle.task).labels
        named = {name for i in bundle.items for name in (i.example.label, i.counterfactual.source, i.counterfactual.target)}
        if unknown := named - {None, *labels}:
            raise BadInput(f"These labels of the bundle are not in the project: {', '.join(sorted(unknown))}. Open it as a new project.")
        if pid:
            return pid, self._brought(pid, bundle.items)
        pid = projects.create_project(self.db, f"{bundle.manifest['project'].get('name', 'Bundle')} (imported)"[:120], bundle.task)
        try:
            if bundle.guideline:
                guidelines.add(self.db, pid, Guideline(0, bundle.guideline, note="of the exported set"))
            return pid, self._brought(pid, bundle.items)
        except BaseException:
            self.delete_project(pid)
            raise

    def _brought(self, pid: str, found: list[ExportItem]) -> list[Problem]:
        """Store the pairs that may stand beside the project's texts; the others as problems."""
        from cod_core.data.meeting import meet

        stored = items.examples(self.db, pid)
        there, met = {e.id for e in stored}, meet([i.example for i in found], stored)
        out = {found[at].example.id: Problem(at + 1, why) for at, why in met.refused if found[at].example.id not in there}
        known, latest = set(), {}
        for d in decisions.stream(self.db, pid):
            known.add((d.counterfactual_id, d.status, d.decided_at))
            latest[d.example_id] = max(d.decided_at or "", latest.get(d.example_id, ""))
        new, later = [], []
        for row, item in enumerate(found, 1):
            d = item.decision
            if d.example_id in out or (d.counterfactual_id, d.status, d.decided_at) in known:
                continue
            if d.example_id in latest and (d.decided_at or "") <= latest[d.example_id]:
                later.append(Problem(row, "This text was decided here later; that decision stands."))
            else:
                new.append(replace(d, seq=None))
        found = [i for i in found if i.example.id not in out]
        items.add_examples(self.db, pid, met.new)
        items.label_examples(self.db, pid, met.labelled)
        items.add_counterfactuals(self.db, pid, [cf for i in found for cf in self._with_base(i)])
        items.add_checks(self.db, pid, [i.check for i in found if i.check is not None])
        decisions.append_each(self.db, pid, new)
        self._forget(pid)
        return [*out.values(), *later]

    @staticmethod
    def _with_base(item):
        """The counterfactual, after the proposal it was made from where that text is known."""
        cf = item.counterfactual
        if item.proposed_text is None or cf.derived_from is None:
            return [cf]
        base = replace(
            cf,
            id=cf.derived_from,
            text=item.proposed_text,
            derived_from=None,
            raw_reply=None,
            origin=Origin("import", "exported set"),
            note=f"proposal {short_hash(item.proposed_text)[:6]}",
        )
        return [base, cf]
