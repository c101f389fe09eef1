"""Every student and control arm through the workspace, on texts and pairs written for the test."""

import io
import json
import zipfile

import pytest

from cod_core.data.tables import read_table
from cod_core.errors import BadInput, NotEnoughData
from cod_core.store import items, runs
from cod_core.types import Example, Task
from cod_core.workspace import Workspace
from tests.unit.export.test_student_package import TEXTS as SPOKEN
from tests.unit.export.test_student_package import run_loader

pytestmark = pytest.mark.slow

GOOD, BAD = ("amazing", "wonderful", "excellent", "superb"), ("terrible", "awful", "horrible", "worthless")
THINGS = ("battery", "screen", "phone", "camera")
ROWS = [(f"The {thing} is {w}.", label) for thing, g, b in zip(THINGS, GOOD, BAD)
        for w, label in ((g, "positive"), (b, "negative"))]
PAIRS = {f"The {t} is {a}.": f"The {t} is {b}." for t, g, w in zip(THINGS, GOOD, BAD) for a, b in ((g, w), (w, g))}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    w = Workspace(tmp_path_factory.mktemp("home"))
    pid = w.create_project("Phones", Task("Is it good?", ("negative", "positive")))
    texts = {t: t.replace("The", "This") for t, _ in ROWS}
    items.add_examples(w.db, pid, [Example(f"t{i}", t, label) for i, (t, label) in enumerate(ROWS)])
    items.add_examples(w.db, pid, [Example(f"v{i}", texts[t], label, s) for i, (t, label) in enumerate(ROWS)
                                   for s in (("test", "validation")[i % 2],)])
    w.set_teacher(pid, {"kind": "builtin", "name": "amazon"})
    lines = "original\tcounterfactual\n" + "\n".join("\t".join(pair) for pair in PAIRS.items())
    w.import_counterfactuals(pid, read_table("pairs.tsv", lines.encode()), name="hand")
    assert w.accept_unattended(pid) == 8
    return w, pid


def sweep(w, pid, **params):
    out = w.distill(pid, {"shots": [8], "seeds": 1, "arms": ["kd", "cod"], **params})
    chosen = set(json.loads(w._report_path(pid).read_text())["run_ids"])
    return out, [r for r in runs.runs(w.db, pid) if r.config.run_id in chosen]


@pytest.mark.parametrize("params", [
    {"student": "retrieval"}, {"student": "linear", "soft_labels": "random"},
    {"student": "linear", "soft_labels": "off"},
    {"student": "linear", "soft_labels": "scaled"}, {"student": "linear", "arms": ["kd", "cod", "swap", "unverified"]},
    {"student": "linear", "cf_share": 0.25, "cf_source": "hand"}, {"student": "linear", "cf_weight": 0.5}])
def test_every_option_trains_students_of_its_own_and_only_once(made, params):
    """Two ablations under one run id would show one's numbers for the other."""
    w, pid = made
    before = runs.run_ids(w.db, pid)
    out, found = sweep(w, pid, **params)
    assert out["new"] >= 1 and {r.config.arm for r in found} >= {"kd", "cod"}
    assert sweep(w, pid, **params)[0]["new"] == 0
    assert len(runs.run_ids(w.db, pid)) == len(before) + out["new"]


@pytest.mark.parametrize("student", ["finetuned", "contrastive"])
def test_a_trained_student_leaves_as_a_folder_that_loads_without_this_app(made, tmp_path, student):
    w, pid = made
    _, found = sweep(w, pid, student=student, layers=[0, 5], steps=2, frozen_layers=1, arms=["cod"])
    [run] = found
    data = w.export_student(pid, run.config.run_id)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        archive.extractall(tmp_path)
    told = run_loader(tmp_path, tmp_path)
    from cod_core.models.student import load_student
    own = load_student(w.settings.folder("students", pid) / run.config.run_id).predict(SPOKEN)
    assert [list(row.values()) for row in told] == [pytest.approx(p.probs, abs=1e-4) for p in own]
    assert run.config.student in (tmp_path / "README.md").read_text().replace("\\", "")


def test_layer_methods_and_step_losses_run_on_the_finetuned_student(made):
    w, pid = made
    for more in ({"method": "lwd"}, {"hard_loss": "clamp", "kd_weight": 0}, {"pair_weight": 1.0}):
        _, found = sweep(w, pid, student="finetuned", layers=[0], steps=1, arms=["cod"], **more)
        assert len(found) == 1 and found[0].history


def test_wrong_settings_are_refused_before_anything_is_trained(made):
    w, pid = made
    for wrong in ({"student": "forest"}, {"student": "linear", "method": "lwd"},
                  {"student": "linear", "pair_weight": 1},
                  {"soft_labels": "perhaps"}, {"student": "contrastive", "hard_loss": "clamp"}):
        with pytest.raises(BadInput):
            sweep(w, pid, **wrong)
    with pytest.raises(NotEnoughData, match="tightened"):
        sweep(w, pid, arms=["cod", "tightened"])
