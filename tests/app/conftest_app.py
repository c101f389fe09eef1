"""What the tests of the screens share: texts, a prediction, what a page says."""

import math
from pathlib import Path

from streamlit.testing.v1 import AppTest

from cod_core.types import Prediction

ROOT = Path(__file__).resolve().parents[2]
LABELS = ("negative", "positive")
EVIL = "![x](https://host.example/leak.png) <img src=x onerror=alert(1)> :red[hot] $x$"
PAIRS = [  # original, proposal, p(positive) before and after
    ("A splendid film.", "A hideous film.", 0.96, 0.05),
    ("The plot drags.", "The plot sparkles.", 0.08, 0.91),
    ("Dull and far too long.", "Long and far too long.", 0.03, 0.31),
    (f"A joy to watch. {EVIL}", f"A pain to watch. {EVIL}", 0.97, 0.11),
]
EDITED = "A truly hideous film."


def prediction(p: float) -> Prediction:
    """Two labels; p is the probability of positive."""
    return Prediction(LABELS, (math.log(1 - p), math.log(p)))


def words(test: AppTest) -> str:
    """Everything that the app's own HTML and plain texts say."""
    return "\n".join([*(h.value for h in test.html if "<style" not in h.value), *(t.value for t in test.text)])
