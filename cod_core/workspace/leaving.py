"""What leaves: the bundle, the plain .jsonl, the student; and a bundle's way back in."""

import json
from dataclasses import replace
from pathlib import Path

from cod_core.errors import BadInput, NotEnoughData
from cod_core.store import decisions, items, projects, runs
from cod_core.text import short_hash
from cod_core.types import KEPT
from cod_core.workspace.base import Base


class Leaving(Base):
    """Exports, and the import of one's own export."""

    def _export_items(self, pid: str):
        from cod_core.export.record import ExportItem

        project, current = self.project(pid), self._state(pid)
        by_id = {cf.id: cf for cf in current.counterfactuals}
        texts = {e.id: e for e in items.examples(self.db, pid, ids=list(current.outcome))}
        teacher = {}
        if project.teacher is not None:
            identity, revision = self._identity(project.teacher, project.task.labels)
            teacher = {"id": identity, "revision": revision, "sha256": revision, "label_names": list(project.task.labels)}
        found = []
        for example_id, decision in current.outcome.items():
            cf = by_id.get(decision.counterfactual_id)
            if cf is None or example_id not in texts:
                continue
            base = by_id.get(cf.derived_from) if cf.derived_from else None
            found.append(ExportItem(texts[example_id], cf, current.checks.get(cf.id), decision,
                                    base.text if base else None, teacher))
        return found

    def export_counts(self, pid: str) -> dict:
        """What an export would hold: {"exported", "rejected", "other", "stale"}."""
        found = self._export_items(pid)
        kept = [i for i in found if i.decision.status in KEPT]
        return {"exported": sum(1 for i in kept if i.check is not None),
                "rejected": sum(1 for i in found if i.decision.status == "rejected"),
                "other": sum(1 for i in found if i.decision.status not in (*KEPT, "rejected")),
                "stale": sum(1 for i in kept if i.check is None)}

    def export_preview(self, pid: str, n: int = 3) -> list[dict]:
        """The first n records as they would leave."""
        from cod_core.export.bundle import preview

        return preview(self._export_items(pid), n, pid)

    def export_bundle(self, pid: str, rejected: bool = False) -> bytes:
        """The zip of RECORD.md: accepted and edited pairs, audit trail, schema, manifest."""
        from cod_core.export.bundle import bundle_bytes

        audit = [json.loads(json.dumps(d.__dict__)) for d in decisions.log(self.db, pid)]
        return bundle_bytes(self.project(pid), self._export_items(pid), audit, rejected)[0]

    def export_jsonl(self, pid: str) -> bytes:
        """The accepted set as plain JSON lines."""
        from cod_core.export.bundle import jsonl_bytes

        return jsonl_bytes(self._export_items(pid), pid)

    def export_student(self, pid: str, run_id: str | None = None) -> bytes:
        """A student as a zip that loads without this app: the named run, else the best by development rows.

        Raises NotEnoughData before the first sweep.
        """
        from cod_core.workspace.trying import zipped

        return zipped(self._student_folder(pid, self.chosen_student(pid, run_id)))

    def chosen_student(self, pid: str, run_id: str | None = None):
        """The run named, else the best by development rows whose weights are kept. Raises NotEnoughData, BadInput."""
        found = {r.config.run_id: r for r in runs.runs(self.db, pid) if r.path is not None}
        if run_id is None:
            with_cfes = [r for r in found.values() if r.config.arm in ("cod", "cod_plus")] or list(found.values())
            if not with_cfes:
                raise NotEnoughData("There is no student yet. Distil first.")
            run_id = max(with_cfes, key=lambda r: (r.config.shots, r.dev.get("accuracy", r.dev.get("agreement", 0.0)),
                                                   -r.config.seed)).config.run_id
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
        head = load_file(room / f"{run.config.run_id}.safetensors")
        write_student(folder, run.config.encoder, head["weight"], head["bias"], labels, 10.0,
                      info)
        return folder

    def import_bundle(self, pid: str | None, data: bytes) -> str:
        """Restore an exported bundle into a project (a new one where pid is None); returns the project's id.

        Texts, counterfactuals, verdicts and decisions come back as they were. Raises BadInput naming what is
        wrong with the file.
        """
        from cod_core.export.restore import open_bundle

        bundle = open_bundle(data)
        pid = pid or projects.create_project(self.db, f"{bundle.manifest['project'].get('name', 'Bundle')} (imported)"[:120], bundle.task)
        known = {(d.counterfactual_id, d.status, d.decided_at) for d in decisions.log(self.db, pid)}
        found = list(bundle.items)
        items.add_examples(self.db, pid, [i.example for i in found])
        items.add_counterfactuals(self.db, pid, [cf for i in found for cf in self._with_base(i)])
        items.add_checks(self.db, pid, [i.check for i in found if i.check is not None])
        for item in found:
            if (item.decision.counterfactual_id, item.decision.status, item.decision.decided_at) not in known:
                decisions.append(self.db, pid, replace(item.decision, seq=None))
        return pid

    @staticmethod
    def _with_base(item):
        """The counterfactual, after the proposal it was made from where that text is known."""
        cf = item.counterfactual
        if item.proposed_text is None or cf.derived_from is None:
            return [cf]
        base = replace(cf, id=cf.derived_from, text=item.proposed_text, derived_from=None, raw_reply=None,
                       note=f"proposal {short_hash(item.proposed_text)[:6]}")
        return [base, cf]
