"""Tables whose rows are columns, not texts: sentences by a template, edits led back to columns."""

from cod_core.data import sentences
from cod_core.errors import BadInput
from cod_core.export.flat import safe_csv
from cod_core.store import items, projects
from cod_core.workspace.base import Base


class Tabular(Base):
    """Rows as sentences, and back."""

    def template(self, pid: str) -> str | None:
        """The project's template; None where its texts came as texts."""
        return (self.project(pid).settings.get("tabular") or {}).get("template")

    def rows_as_sentences(self, pid: str, table, template: str):
        """(table with a sentence column, the column's name, the columns to keep so that edits can be led back).

        Remembers the template. Raises BadInput where it names unknown columns, or another template is in use already.
        """
        named = sentences.fields_of(template, table.columns)
        known = self.template(pid)
        if known is not None and known != template and items.count_examples(self.db, pid):
            raise BadInput(f"This project's sentences are made by another template: {known} Use it, or make a new project.")
        made = sentences.with_sentences(table, template)
        projects.update_settings(self.db, pid, {"tabular": {"template": template, "columns": named}})
        return made, made.columns[-1], named

    def columns_of(self, pid: str, example_id: str, changed: str) -> sentences.Row:
        """The columns' values in a changed sentence of a text. Raises BadInput where the project has no template."""
        template = self.template(pid)
        if template is None:
            raise BadInput("The texts of this project did not come from columns.")
        return sentences.to_row(template, items.example(self.db, pid, example_id).metadata, changed)

    def export_columns(self, pid: str) -> bytes:
        """The accepted pairs as columns again (CSV, safe for spreadsheets): before and after of every column, and what
        changed outside of all of them. Raises BadInput where the project has no template."""
        template = self.template(pid)
        if template is None:
            raise BadInput("The texts of this project did not come from columns.")
        kept = self.kept_pairs(pid)
        texts = {e.id: e for e in items.examples(self.db, pid, ids=list(kept))}
        named = self.project(pid).settings["tabular"]["columns"]
        head = ["id", "label", "counterfactual_label", *(f"{c}{side}" for c in named for side in ("", " (changed)")), "changed elsewhere"]
        rows = []
        for example_id, (cf, _) in kept.items():
            example = texts[example_id]
            found = sentences.to_row(template, example.metadata, cf.text)
            cells = [v for c in named for v in (example.metadata.get(c, ""), found.values.get(c, ""))]
            rows.append([example_id, example.label or "", cf.target, *cells, "; ".join(found.outside)])
        return safe_csv(head, rows).encode("utf-8-sig")
