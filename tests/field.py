"""The files of ../shared/field, and what is right for each: (rows added, rows left out, kinds of remarks)."""

import os
from pathlib import Path

import pytest

FOLDER = Path(os.environ.get("COD_DATA", "/nowhere")).parent / "field"
RIGHT = {
    "labelstudio.json": (30, 0, set()),
    "doccano.jsonl": (30, 0, set()),
    "doccano_multi.jsonl": (24, 6, {"several"}),
    "prodigy_choice.jsonl": (30, 0, set()),
    "prodigy_textcat.jsonl": (25, 5, {"rejected"}),
    "x.parquet": (30, 0, set()),
    "x.csv.gz": (30, 0, set()),
    "sheets.xlsx": (30, 0, set()),
    "float_labels.csv": (30, 0, set()),
    "bool.xlsx": (30, 0, set()),
    "onehot.csv": (30, 0, set()),
}
LABELS = ("complaint", "praise")
each_file = pytest.mark.parametrize("name", RIGHT)
needed = pytest.mark.skipif(not FOLDER.is_dir(), reason="set COD_DATA to the folder of real data, beside which ../field lies")


def is_praise(text: str) -> bool:
    """What a text of these files is, by its first words."""
    return text.startswith(("Thank", "The new portal", "Friendly", "Great", "You solved"))
