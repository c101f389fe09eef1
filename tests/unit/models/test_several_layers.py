"""An encoder read after several of its layers: embeddings, students and packages agree on what is read."""

import re

import numpy as np
import pytest

from cod_core.errors import ModelUnavailable
from cod_core.export.student import write_student
from cod_core.models.encoder import Encoder, split_name
from cod_core.models.student import load_student
from tests.unit.export.test_student_package import LABELS, TEXTS


def run_here(folder, monkeypatch):
    """The README's own code, in the folder; in this process, since another one costs seconds."""
    code = re.search(r"```python\n(.*?)```", (folder / "README.md").read_text(encoding="utf-8"), re.S).group(1)
    assert len(code.strip().splitlines()) <= 12 and "cod_core" not in code
    monkeypatch.chdir(folder)
    names: dict = {}
    exec(compile(code, "README.md", "exec"), names)
    return names["predict"](TEXTS)


def test_names_say_which_layers_are_read():
    assert split_name("org/model") == ("org/model", (-1,)) and split_name("org/model@4,6") == ("org/model", (4, 6))
    with pytest.raises(ModelUnavailable, match="@4,6"):
        split_name("model@last")


@pytest.mark.slow
def test_the_last_layer_by_number_is_the_plain_encoder_and_several_keep_length_one():
    plain, last, two = (Encoder(f"all-MiniLM-L6-v2{suffix}") for suffix in ("", "@6", "@4,6"))
    a, b, c = (e.encode(TEXTS) for e in (plain, last, two))
    assert a == pytest.approx(b, abs=1e-6) and c.shape == (2, 768) and two.dimension == 768
    assert np.linalg.norm(c, axis=1) == pytest.approx(1, abs=1e-5)
    assert c[:, 384:] * 2**0.5 == pytest.approx(a, abs=1e-5)


@pytest.mark.slow
def test_a_student_on_several_layers_leaves_and_loads_as_it_was(tmp_path, monkeypatch):
    """A package that reads the last layer alone would fail only in the numbers."""
    encoder, weight = Encoder("all-MiniLM-L6-v2@4,6"), np.random.default_rng(0).normal(size=(2, 768))
    folder = write_student(tmp_path, "all-MiniLM-L6-v2@4,6", weight, np.zeros(2), LABELS)
    logits = 10 * encoder.encode(TEXTS) @ weight.T
    expected = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    assert [list(row.values()) for row in run_here(folder, monkeypatch)] == [pytest.approx(r, abs=1e-4) for r in expected]
    assert [p.probs for p in load_student(folder).predict(TEXTS)] == [pytest.approx(r, abs=1e-4) for r in expected]
