"""Every student and control arm through the workspace, on texts and pairs written for the test."""

import io
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
import zipfile

import pytest

from cod_core.data.tables import read_table
from cod_core.distill.settings import StudentSettings, SweepPlan
from cod_core.errors import BadInput, NotEnoughData
from cod_core.models.choice import BuiltinChoice
from cod_core.store import items, runs
from cod_core.types import Example, Task
from cod_core.workspace import Workspace
from tests.unit.export.test_student_package import TEXTS as SPOKEN
from tests.unit.export.test_student_package import run_loader

pytestmark = pytest.mark.slow

GOOD, BAD = ("amazing", "wonderful", "excellent", "superb"), ("terrible", "awful", "horrible", "worthless")
THINGS = ("battery", "screen", "phone", "camera")
ROWS = [(f"The {thing} is {w}.", label) for thing, g, b in zip(THINGS, GOOD, BAD) for w, label in ((g, "positive"), (b, "negative"))]
PAIRS = {f"The {t} is {a}.": f"The {t} is {b}." for t, g, w in zip(THINGS, GOOD, BAD) for a, b in ((g, w), (w, g))}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    w = Workspace(tmp_path_factory.mktemp("home"))
    pid = w.create_project("Phones", Task("Is it good?", ("negative", "positive")))
    texts = {t: t.replace("The", "This") for t, _ in ROWS}
    items.add_examples(w.db, pid, [Example(f"t{i}", t, label) for i, (t, label) in enumerate(ROWS)])
    items.add_examples(
        w.db, pid, [Example(f"v{i}", texts[t], label, s) for i, (t, label) in enumerate(ROWS) for s in (("test", "validation")[i % 2],)]
    )
    w.project(pid).teacher.choose(BuiltinChoice("amazon"))
    lines = "original\tcounterfactual\n" + "\n".join("\t".join(pair) for pair in PAIRS.items())
    w.project(pid).proposals.import_counterfactuals(read_table("pairs.tsv", lines.encode()), name="hand")
    assert w.project(pid).curation.accept_unattended() == 8
    return w, pid


def sweep(w, pid, **params):
    out = w.project(pid).students.distil(SweepPlan.of({"shots": [8], "seeds": 1, "arms": ["kd", "cod"], **params}))
    chosen = set(json.loads(w.project(pid).results.report_path().read_text())["run_ids"])
    return out, [r for r in runs.runs(w.db, pid) if r.config.run_id in chosen]


@pytest.mark.parametrize(
    "params",
    [
        {"student": "retrieval"},
        {"student": "linear", "soft_labels": "random"},
        {"student": "linear", "soft_labels": "off"},
        {"student": "linear", "soft_labels": "scaled"},
        {"student": "linear", "arms": ["kd", "cod", "swap", "unverified"]},
        {"student": "linear", "cf_share": 0.25, "cf_source": "hand"},
        {"student": "linear", "cf_weight": 0.5},
    ],
)
def test_every_option_trains_students_of_its_own_and_only_once(made, params):
    """Two ablations under one run id would show one's numbers for the other."""
    w, pid = made
    before = runs.runs(w.db, pid)
    out, found = sweep(w, pid, **params)
    assert out["new"] >= 1 and {r.config.arm for r in found} >= {"kd", "cod"}
    assert sweep(w, pid, **params)[0]["new"] == 0
    assert len(runs.runs(w.db, pid)) == len(before) + out["new"]


def test_a_trained_student_leaves_as_a_folder_that_loads_without_this_app(made, tmp_path):
    w, pid = made
    _, found = sweep(w, pid, student="contrastive", layers=[0, 5], steps=2, frozen_layers=1, arms=["cod"])
    [run] = found
    data = w.project(pid).package.student(run.config.run_id)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        archive.extractall(tmp_path)
    told = run_loader(tmp_path, tmp_path)
    from cod_core.models.student import load_student

    own = load_student(w.settings.folder("students", pid) / run.config.run_id).predict(SPOKEN)
    assert [list(row.values()) for row in told] == [pytest.approx(p.probs, abs=1e-4) for p in own]
    assert run.config.student in (tmp_path / "README.md").read_text().replace("\\", "")


def test_a_trained_student_is_made_by_the_measured_recipe_unless_asked_otherwise():
    """docs/experiments.md: the page's button must train what the tables speak of."""
    from benchmarks import paper

    for kind, measured in (("finetuned", paper.FINETUNED), ("contrastive", paper.CONTRASTIVE)):
        usual = StudentSettings(kind).config_fields()
        assert {name: usual[name] for name in ("frozen_layers", "steps", "learning_rate")} == {
            name: measured[name] for name in ("frozen_layers", "steps", "learning_rate")
        }
        assert StudentSettings(kind, steps=7).config_fields()["steps"] == 7
        assert "frozen_layers" not in StudentSettings(kind, encoder="some/encoder").config_fields()
    assert "frozen_layers" not in StudentSettings("finetuned", method="lwd").config_fields()


def test_layer_methods_and_step_losses_run_on_the_finetuned_student(made):
    w, pid = made
    for more in ({"method": "lwd"}, {"hard_loss": "clamp", "kd_weight": 0}, {"pair_weight": 1.0}):
        _, found = sweep(w, pid, student="finetuned", layers=[0], steps=1, arms=["cod"], **more)
        assert len(found) == 1 and found[0].history


def test_wrong_settings_are_refused_before_anything_is_trained(made):
    w, pid = made
    for wrong in (
        {"student": "forest"},
        {"student": "linear", "method": "lwd"},
        {"student": "linear", "pair_weight": 1},
        {"soft_labels": "perhaps"},
        {"student": "contrastive", "hard_loss": "clamp"},
        {"student": "contrastive", "cf_weight": 0.5},
        {"student": "retrieval", "cf_weight": 0.5},
    ):
        with pytest.raises(BadInput):
            sweep(w, pid, **wrong)
    with pytest.raises(NotEnoughData, match="tightened"):
        sweep(w, pid, arms=["cod", "tightened"])


def test_a_model_too_large_for_the_machine_is_refused_with_its_need(made, monkeypatch):
    """A job that is killed for want of memory says nothing."""
    from cod_core.models import memory

    w, pid = made
    found = w.project(pid).plan.memory(StudentSettings("finetuned"))
    assert found.rows == 16 and 0.1e9 < found.need < 4e9 and "GB are free" in found.sentence
    monkeypatch.setattr(memory, "free_bytes", lambda: 10 << 20)
    with pytest.raises(BadInput, match="Choose a smaller model"):
        sweep(w, pid, student="finetuned", steps=1, arms=["cod"], seeds=1, learning_rate=1e-9)


def test_any_text_is_tried_on_teacher_and_students_side_by_side(made):
    w, pid = made
    sweep(w, pid, student="linear")
    [row, other] = w.project(pid).students.predict_side_by_side(["The case is awful.", "A superb lens."])
    assert row[0].name == "teacher" and row[0].prediction.label == "negative" and other[0].prediction.label == "positive"
    assert {s.arm for s in row[1:]} >= {"kd", "cod"} and all(s.prediction.labels == ("negative", "positive") for s in row)
    with pytest.raises(BadInput, match="Type a text"):
        w.project(pid).students.predict_side_by_side(["  "])


def test_a_packed_student_runs_with_onnxruntime_and_tokenizers_alone(made, tmp_path):
    """The 10 lines of its README, in another process, with torch and transformers out of reach."""
    w, pid = made
    w.project(pid).product.make()
    out = w.project(pid).package.pack()
    forms = {m["name"]: m for m in out["measured"]}
    assert forms["student.onnx"]["agreement"] >= 0.995 and forms["student-int8.onnx"]["bytes"] < 0.3 * forms["student.onnx"]["bytes"]
    assert all(m["latency_ms"] > 0 and m["texts_a_second"] > 0 for m in [*forms.values(), out["teacher"]])
    read, looked_up = forms["torch"]["texts_a_second"], 10 * forms["student.onnx"]["texts_a_second"]
    assert read < looked_up, "torch is timed while it reads, not while it looks up what it read before"
    with zipfile.ZipFile(io.BytesIO(w.project(pid).package.packed(out["file"]))) as archive:
        archive.extractall(tmp_path)
    code = re.search(r"```python\n(.*?)```", (tmp_path / "README-onnx.md").read_text(), re.S).group(1)
    assert len(code.strip().splitlines()) <= 10
    blocked = "import sys\nfor name in ('torch', 'transformers', 'cod_core'): sys.modules[name] = None\n"
    done = subprocess.run(
        [sys.executable, "-c", f"{blocked}{code}\nprint(json.dumps(predict({SPOKEN!r})))"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-1500:]
    told = json.loads(done.stdout.splitlines()[-1])
    own = w.project(pid).store.load(out["run_id"]).predict(SPOKEN)
    assert [max(row, key=row.get) for row in told] == [p.label for p in own]
    assert [list(row.values()) for row in told] == [pytest.approx(p.probs, abs=0.1) for p in own]


def test_a_grid_goes_on_where_it_was_and_any_cell_can_be_trained_again(made):
    w, pid = made
    grid = {"tasks": [pid], "shots": [4, 8], "seeds": 3, "runs": [{"arms": ["kd", "cod"]}, {"student": "retrieval", "arms": ["kd"]}]}

    def stop(done, total, message=""):
        if done >= 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        w.grids.run(grid, stop)
    out = w.grids.run(grid)
    assert 0 < out["new"] < out["cells"] and w.grids.run(grid)["new"] == 0
    row = next(r for r in out["table"] if r["arm"] == "cod" and r["k"] == 8)
    assert row["cells"] >= 1 and 0 <= row["test_accuracy"] <= 1
    assert w.grids.rerun(grid, row["run_ids"][0])["same"]
    with pytest.raises(BadInput, match="no cell"):
        w.grids.rerun(grid, "0" * 16)


def test_electricity_and_money_stand_beside_accuracy(made):
    w, pid = made
    _, found = sweep(w, pid, student="linear", seeds=2, energy=True, l2=1.5)
    assert all(r.energy_kwh is not None and r.energy_kwh > 0 for r in found)
    costs = {c.arm: c for c in w.project(pid).costs.table() if c.student == "linear" and c.arm in ("kd", "cod") and c.rows == 8}
    assert all(c.usd == 0 for c in costs.values()), "imported and searched counterfactuals cost no tokens"
    trained = max(r.energy_kwh for r in found)
    assert costs["cod"].kwh > costs["kd"].kwh > trained, "the teacher was asked about each counterfactual, the rows were read"


def test_students_are_judged_again_when_test_texts_come_and_not_trained_again(made, tmp_path):
    """The Data page asks for more test texts; who added them lost every result, and a new sweep trained nothing."""
    w, pid = copy_of(made, tmp_path)
    given = {"shots": [4], "seeds": 1, "arms": ["kd", "cod"], "l2": 1.75}
    settings, slow = SweepPlan.of(given), SweepPlan.of(given | {"student": "finetuned", "layers": [0], "steps": 1, "arms": ["cod"]})
    first, trained = w.project(pid).students.distil(settings), w.project(pid).students.distil(slow)
    [before] = [r for r in w.project(pid).store.present() if r.config.student.startswith("finetuned") and r.config.shots == 4]
    weights = (w.settings.folder("students", pid) / before.config.run_id / "model.safetensors").stat().st_mtime_ns
    items.add_examples(w.db, pid, [Example(f"more{i}", f"{t} Really.", label, "test") for i, (t, label) in enumerate(ROWS)])
    assert w.project(pid).results.latest().stale
    again, judged = w.project(pid).students.distil(settings), w.project(pid).students.distil(slow)
    assert not w.project(pid).results.latest().stale
    after = {r.config.run_id: r for r in w.project(pid).store.present()}[before.config.run_id]
    assert first["new"] == again["new"] == 2 and trained["new"] == 1 and judged["new"] == 0
    assert after.test["n"] == before.test["n"] + len(ROWS) and after.history == before.history and after.judged != before.judged
    assert (w.settings.folder("students", pid) / before.config.run_id / "model.safetensors").stat().st_mtime_ns == weights
    assert w.project(pid).students.distil(settings)["new"] == 0
    assert all(
        len(w.project(pid).store.answers(r.config.run_id)) == after.test["n"] for r in w.project(pid).store.present() if r.config.l2 == 1.75
    )


def test_a_student_of_a_grid_is_trained_by_distill_when_its_weights_are_wanted(made, tmp_path):
    """Grids keep numbers only; "Distil it again", said the app, and then trained nothing."""
    w, pid = copy_of(made, tmp_path)
    settings = {"student": "finetuned", "layers": [0], "steps": 1, "arms": ["cod"], "shots": [4], "seeds": 1}
    w.grids.run({"tasks": [pid], "shots": [4], "seeds": 1, "runs": [{k: settings[k] for k in ("student", "layers", "steps", "arms")}]})
    numbers = [r for r in w.project(pid).store.present() if r.config.student.startswith("finetuned") and r.config.shots == 4]
    assert [r.path for r in numbers] == [None]
    assert w.project(pid).students.distil(SweepPlan.of(settings))["new"] == 1
    assert w.project(pid).students.distil(SweepPlan.of(settings))["new"] == 0
    [kept] = [r for r in w.project(pid).store.present() if r.config.student.startswith("finetuned") and r.config.shots == 4]
    assert kept.config == numbers[0].config and kept.path and kept.test == numbers[0].test
    assert w.project(pid).store.load(kept.config.run_id).predict(["A superb lens."])


def test_students_of_an_earlier_teacher_are_neither_offered_nor_averaged(made, tmp_path):
    w, pid = copy_of(made, tmp_path)
    w.project(pid).students.distil(SweepPlan(shots=(4,), seeds=1, arms=("kd", "cod")))
    assert w.project(pid).store.kept() and w.project(pid).costs.table()
    made = w.project(pid).product.make()
    assert w.project(pid).package.chosen().config.run_id == made["run_id"]
    w.project(pid).teacher.choose(BuiltinChoice("movies"))
    assert w.project(pid).store.kept() == [] == w.project(pid).costs.table()
    with pytest.raises(NotEnoughData, match="not made yet"):
        w.project(pid).package.chosen()


def copy_of(made, folder):
    """(workspace, project) like the module's, whose texts and students may change."""
    w, pid = made
    shutil.copytree(w.settings.home, folder / "home")
    return Workspace(folder / "home"), pid


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills are made in forked processes")
def test_a_sweep_killed_at_20_random_moments_ends_with_the_same_table_bit_for_bit(made, tmp_path):
    w, pid = made
    grid = {"tasks": [pid], "shots": [4, 8], "seeds": 25, "runs": [{"arms": ["kd", "half", "cod"], "l2": 1.25}]}
    cells = w.project(pid).plan.cells(SweepPlan(arms=("kd", "half", "cod"), shots=(4, 8), seeds=25))[0]
    w.models.encoder().encode([r.text for c in cells for r in c.rows])  # models are loaded here once, not in every process
    shutil.copytree(w.settings.home, tmp_path / "whole")
    begun = time.perf_counter()
    whole = Workspace(tmp_path / "whole").grids.run(grid)
    takes = time.perf_counter() - begun  # kills have to fall into the work on fast machines too
    rng, begun, kills = random.Random(0), time.perf_counter(), 0
    for _ in range(20):
        child = os.fork()
        if child == 0:
            try:
                Workspace(w.settings.home).grids.run(grid)
            finally:
                os._exit(0)
        time.sleep(rng.uniform(0.02, 0.25) * takes)
        os.kill(child, signal.SIGKILL)
        kills += os.WIFSIGNALED(os.waitpid(child, 0)[1])
    assert kills >= 4 and time.perf_counter() - begun < 60
    assert w.grids.run(grid)["table"] == whole["table"]
    numbers = [
        {r.config.run_id: (r.test, r.dev, r.history) for r in runs.runs(x.db, pid) if r.config.l2 == 1.25}
        for x in (w, Workspace(tmp_path / "whole"))
    ]
    assert numbers[0] == numbers[1] and len(numbers[0]) == whole["cells"]


def test_the_share_of_counterfactuals_falls_where_real_rows_are_many(made, monkeypatch):
    """Half of 512 real rows is too much to give up: the paper's gain is negative there."""
    w, pid = made
    assert StudentSettings().by_share([8, 512]) == {None: [8, 512]}
    fewer = {0.5: [8, 128], 0.125: [256, 512]}
    assert StudentSettings(cf_share="auto").by_share([8, 128, 256, 512]) == fewer
    assert StudentSettings("contrastive").by_share([8, 128, 256, 512]) == fewer
    assert StudentSettings("contrastive", cf_share=0.5).by_share([8, 512]) == {None: [8, 512]}
    monkeypatch.setattr("cod_core.distill.settings.SHARES", ((4, 0.5), (None, 0.25)))
    plan = SweepPlan(StudentSettings(cf_share="auto"), arms=("kd", "cod"), shots=(4, 8), seeds=1)
    cells, _, _ = w.project(pid).plan.cells(plan)
    assert {(c.config.shots, c.config.real_shots) for c in cells if c.config.arm == "cod"} == {(4, 2), (8, 6)}


def test_the_unverified_arm_takes_proposals_that_do_not_flip(made, tmp_path):
    """Drawn among the verified rows it would only repeat cod, and say that verifying buys nothing."""
    w = Workspace(tmp_path)
    pid = w.create_project("Unverified", Task("Is it good?", ("negative", "positive")))
    items.add_examples(w.db, pid, [Example(f"t{i}", t, label) for i, (t, label) in enumerate(ROWS)])
    w.project(pid).teacher.choose(BuiltinChoice("amazon"))
    lame = {t: (new if i >= 4 else t.replace("The", "This")) for i, (t, new) in enumerate(PAIRS.items())}
    other = {t: "positive" if label == "negative" else "negative" for t, label in ROWS}
    lines = ["original\tcounterfactual\tlabel", *("\t".join((t, new, other[t])) for t, new in lame.items())]
    columns = {"original": "original", "counterfactual": "counterfactual", "label": "label", "batch": None}
    w.project(pid).proposals.import_counterfactuals(read_table("p.tsv", "\n".join(lines).encode()), columns)
    assert w.project(pid).curation.accept_unattended() == 4
    items.add_examples(w.db, pid, [Example("free", "Something to judge on.", None, "unlabelled")])
    cells, _, _ = w.project(pid).plan.cells(SweepPlan(arms=("cod", "unverified"), shots=(8,), seeds=3))
    texts = {arm: {r.text for c in cells if c.config.arm == arm for r in c.rows if r.is_cf} for arm in ("cod", "unverified")}
    assert not any(t.startswith("This") for t in texts["cod"]) and any(t.startswith("This") for t in texts["unverified"])


def test_the_commands_sweep_and_try_do_what_the_page_does(made, tmp_path):
    from typer.testing import CliRunner

    import cod_core.__main__  # noqa: F401  (registers the commands)
    from cod_core.commands.shell import app

    w, pid = made
    (tmp_path / "grid.json").write_text(json.dumps({"tasks": [pid], "shots": [8], "seeds": 2, "runs": [{"arms": ["kd", "cod"]}]}))
    home, runner = str(w.settings.home), CliRunner()
    out = runner.invoke(app, ["sweep", str(tmp_path / "grid.json"), "--json", "--home", home])
    assert out.exit_code == 0, out.output
    found = json.loads(out.output)
    row = next(r for r in found["table"] if r["arm"] == "cod")
    again = runner.invoke(app, ["sweep", str(tmp_path / "grid.json"), "--cell", row["run_ids"][0], "--home", home])
    assert "the same numbers" in again.output
    said = json.loads(runner.invoke(app, ["try", pid, "A superb lens.", "--json", "--home", home]).output)
    assert said[0]["said"][0]["name"] == "teacher" and said[0]["said"][0]["label"] == "positive" and len(said[0]["said"]) >= 2
    wrong = runner.invoke(app, ["distill", pid, "--option", "colour=red", "--home", home])
    assert isinstance(wrong.exception, BadInput) and "NAME=VALUE" in str(wrong.exception)
