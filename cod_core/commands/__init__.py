"""The commands of `python -m cod_core`, one file a step of the journey; each a thin skin over the workspace."""
