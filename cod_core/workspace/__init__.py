"""The data folder: projects made, opened, restored; people; grids of students over several projects."""

from cod_core.workspace.workspace import Workspace

__all__ = ["Workspace"]
