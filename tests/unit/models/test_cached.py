"""Predictions remembered in front of a classifier."""

from cod_core.models.cached import CachedClassifier
from cod_core.store.database import open_database
from cod_core.types import Prediction


def test_one_text_is_read_once_and_remembered(tmp_path):
    """predict_one would otherwise pay again for what predict knows."""
    asked = []

    class Fake:
        def predict(self, texts):
            asked.extend(texts)
            return [Prediction(("bad", "good"), (-2.0, -0.1)) for _ in texts]

    teacher = CachedClassifier(open_database(f"sqlite:///{tmp_path}/x.db"), "fake", "1", ("bad", "good"), Fake)
    assert teacher.predict_one("a film") == teacher.predict(["a film"])[0] == teacher.predict_one("a film")
    assert asked == ["a film"] and teacher.predict_one("a film").label == "good"
