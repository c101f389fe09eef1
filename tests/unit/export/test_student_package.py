"""Student packages: one that needs this app is of no use outside it."""

import json
import os
import re
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from cod_core.errors import BadInput, CodError
from cod_core.export import onnx
from cod_core.export.student import write_finetuned_student, write_student

LABELS = ("complaint *x*", "praise")
TEXTS = ["What a lovely day.", "Nothing works and nobody answers the phone, which is a shame."]


def run_loader(folder, cwd):
    """The README's own code, in another process, in the folder, without this project on the path."""
    code = re.search(r"```python\n(.*?)```", (folder / "README.md").read_text(encoding="utf-8"), re.S).group(1)
    assert len(code.strip().splitlines()) <= 12 and "cod_core" not in code
    code += f"\nimport sys\nassert 'cod_core' not in sys.modules\nprint(json.dumps(predict({TEXTS!r})))\n"
    env = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"} | {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", code], cwd=cwd, env=env, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_the_readme_tells_scores_as_rows_and_holds_no_python(tmp_path):
    info = {"arm": "cod", "training_rows": 16, "test": {"accuracy": 0.71428571, "n": 7.0}}
    folder = write_student(tmp_path / "s", "all-MiniLM-L6-v2", np.ones((2, 384)), np.zeros(2), LABELS, 10.0, info)
    said = (folder / "README.md").read_text(encoding="utf-8")
    assert "| test: accuracy | 0.714 |" in said and "| test: n | 7 |" in said and "| training rows | 16 |" in said
    assert "{&#x27;" not in said and "{'" not in said.split("```")[0]


def test_a_small_model_that_was_not_checked_does_not_leave_with_the_student(tmp_path, monkeypatch):
    """Half a file, or one that contradicts the student, lay beside it and went into its next zip."""

    def halfway(source, target):
        assert source.exists()
        raise CodError("killed here")

    monkeypatch.setattr(onnx, "_export", lambda model, student, tokenizer, path: path.write_bytes(b"half a model"))
    monkeypatch.setattr(onnx, "_quantize", halfway)
    folder = write_student(tmp_path / "s", "all-MiniLM-L6-v2", np.ones((2, 384)), np.zeros(2), LABELS)
    before = sorted(p.name for p in folder.iterdir())
    with pytest.raises(CodError, match="killed here"):
        onnx.write_onnx(folder, SimpleNamespace(encoder=SimpleNamespace(tokenizer=None, model=None)), TEXTS)
    assert sorted(p.name for p in folder.iterdir()) == before and list(tmp_path.iterdir()) == [folder]


@pytest.mark.slow
def test_the_linear_package_runs_without_the_app_and_agrees_with_it(tmp_path):
    from cod_core.models.encoder import Encoder
    from cod_core.models.student import load_student

    encoder = Encoder()
    rng = np.random.default_rng(0)
    weight, bias = rng.normal(size=(2, encoder.dimension)), np.array([0.3, -0.2])
    folder = write_student(tmp_path / "s", "all-MiniLM-L6-v2", weight, bias, LABELS, 10.0, {"run": "abc", "k": 16})
    found = run_loader(folder, folder)
    logits = 10 * encoder.encode(TEXTS) @ weight.T + bias
    expected = np.exp(logits - logits.max(1, keepdims=True))
    expected /= expected.sum(1, keepdims=True)
    assert [list(row) for row in found] == [list(LABELS)] * 2
    assert [list(row.values()) for row in found] == [pytest.approx(row, abs=1e-4) for row in expected]
    student = load_student(folder, encoder)
    assert student.labels == LABELS
    assert [p.probs for p in student.predict(TEXTS)] == [pytest.approx(row, abs=1e-4) for row in expected]


@pytest.mark.slow
def test_a_package_of_another_encoder_is_read_by_the_name_in_its_file(tmp_path):
    """Its README asked for a name in the line that made it."""
    from cod_core.models.encoder import Encoder, packaged_encoder_folder

    folder = write_student(tmp_path / "s", "owner/encoder", np.ones((2, Encoder().dimension)), np.zeros(2), LABELS)
    (folder / "owner").mkdir()
    (folder / "owner/encoder").symlink_to(packaged_encoder_folder())
    assert [list(row) for row in run_loader(folder, folder)] == [list(LABELS)] * 2


@pytest.mark.slow
def test_the_finetuned_package_carries_its_encoder(tmp_path):
    from transformers import AutoModel, AutoTokenizer

    from cod_core.models.encoder import cut_layers, packaged_encoder_folder
    from cod_core.models.student import EncoderModel, FinetunedStudent

    where = str(packaged_encoder_folder())
    model = AutoModel.from_pretrained(where)
    cut_layers(model, [0])
    weight = np.random.default_rng(1).normal(size=(2, 384))
    student = FinetunedStudent(EncoderModel(model, AutoTokenizer.from_pretrained(where), "mini"), weight, np.zeros(2), LABELS)
    expected = [p.probs for p in student.predict(TEXTS)]
    folder = write_finetuned_student(tmp_path / "out", student.save(tmp_path / "saved"), {"seed": 1})
    found = run_loader(folder, folder)
    assert [list(row.values()) for row in found] == [pytest.approx(row, abs=1e-4) for row in expected]


def test_the_linear_folder_holds_head_description_and_readme(tmp_path):
    folder = write_student(tmp_path / "s", "all-MiniLM-L6-v2", np.ones((2, 3)), np.zeros(2), LABELS, 10, {"<b>": "![x](y)"})
    about = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    assert about["labels"] == list(LABELS) and about["kind"] == "linear" and about["scale"] == 10.0
    readme = (folder / "README.md").read_text(encoding="utf-8")
    assert "<b>" not in readme and "![x](y)" not in readme and r"complaint \*x\*" in readme
    assert sorted(path.name for path in folder.iterdir()) == ["README.md", "config.json", "head.safetensors"]


def test_wrong_shapes_and_encoders_without_a_name_are_refused(tmp_path):
    """A head of the wrong width would fail on another machine."""
    with pytest.raises(ValueError, match="labels"):
        write_student(tmp_path, "e", np.ones((3, 4)), np.zeros(3), LABELS)
    with pytest.raises(BadInput, match="by name"):
        write_student(tmp_path, "all-MiniLM-L6-v2[1,3,5]", np.ones((2, 4)), np.zeros(2), LABELS)
    with pytest.raises(BadInput, match="student.json"):
        write_finetuned_student(tmp_path / "a", tmp_path)
