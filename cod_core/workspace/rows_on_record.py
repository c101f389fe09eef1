"""Which rows the students of a project were trained on: kept beside them, so that draws which share rows are not taken for
independent ones. One file a project, run id -> row set (distill/row_sets.py)."""

from collections.abc import Iterable, Sequence

from cod_core.workspace.base import Base
from cod_core.workspace.filing import write_whole


class RowsOnRecord(Base):
    """Row sets of students, finished ones included that an earlier version trained."""

    def _rows_path(self, pid: str):
        return self.settings.folder("students", pid) / "rows.safetensors"

    def keep_rows(self, pid: str, cells: Iterable) -> None:
        """Put the rows of these cells on record, whether they are still to be trained or finished already."""
        from safetensors.numpy import save_file

        from cod_core.distill.row_sets import row_set

        known = self._row_sets(pid)
        new = {c.config.run_id: row_set(c.rows) for c in cells if c.config.run_id not in known}
        if new:
            write_whole(self._rows_path(pid), lambda part: save_file(known | new, part))

    def drawn(self, pid: str, sides: Sequence[Sequence[str]]):
        """The least varied of groups of students (row_sets.Drawn), each given by its run ids; None where the rows of one of
        them are not on record."""
        from cod_core.distill import row_sets

        known = self._row_sets(pid)
        if any(run_id not in known for side in sides for run_id in side):
            return None
        return row_sets.least_varied([row_sets.drawn([known[run_id] for run_id in side]) for side in sides])

    def _row_sets(self, pid: str) -> dict:
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        try:
            return load_file(self._rows_path(pid))
        except (FileNotFoundError, SafetensorError):
            return {}
