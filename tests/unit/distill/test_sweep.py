import random

import numpy as np
import pytest

from cod_core.distill.cells import Training, answers, left_to_do
from cod_core.distill.linear import fit_linear_batch, log_softmax
from cod_core.distill.sweep import CellSpec, EvalSet, linear_batches, plan_cells
from cod_core.errors import BadInput, Cancelled, NotEnoughData
from cod_core.types import Counterfactual, Example, Origin

LABELS = ("bad", "good")
CONFIG = dict(method="kd", student="linear", encoder="fake", teacher_id="t", teacher_revision="1")


class World:
    """Twelve texts whose embedding and teacher are functions of the text; counts what is asked for."""

    def __init__(self):
        self.asked = []
        self.examples = {f"e{i}": Example(f"e{i}", f"{LABELS[i % 2]} {i}", LABELS[i % 2]) for i in range(12)}
        self.pairs = {
            id: Counterfactual(f"c{id}", id, f"{LABELS[1 - i % 2]} {i}", LABELS[i % 2], LABELS[1 - i % 2], Origin("search", "s"))
            for i, id in enumerate(self.examples)
        }
        self.test = EvalSet(("good x", "bad y", "good z"), ("good", "bad", None))
        ids = list(self.examples)
        self.orders = {seed: random.Random(seed).sample(ids, len(ids)) for seed in range(3)}

    def embed(self, texts):
        self.asked += texts
        rows = np.array([[1.0 if "good" in t else -1.0, *np.random.default_rng(list(t.encode())).normal(size=4)] for t in texts])
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)

    def teach(self, texts):
        return log_softmax(np.array([[-2.0, 2.0] if "good" in t else [2.0, -2.0] for t in texts]).reshape(-1, 2))

    def plan(self, shots=(4, 8), arms=("kd", "half", "cod", "cod_plus"), **options):
        return plan_cells(self.orders, shots, arms, self.examples, self.pairs, self.teach, **(CONFIG | options))

    def run(self, cells, done=(), on_results=lambda batch: None, **options):
        """The results of linear students; on_results gets (result, W, b) of each batch."""
        sets, results = (self.test, EvalSet(), EvalSet(("bad q", "good r"))), []
        for batch in linear_batches(left_to_do(cells, done), Training(LABELS, sets, self.teach, self.embed, **options)):
            on_results([(one.result, one.weight, one.bias) for one in batch])
            results += [one.result for one in batch]
        return results


def test_every_student_is_trained_on_its_own_rows_and_scored():
    world = World()
    cells, left_out = world.plan()
    assert len(cells) == 4 * 2 * 3 and not left_out
    heads = {}
    results = world.run(cells, on_results=lambda rs: heads.update({r.config.run_id: (w, b) for r, w, b in rs}))
    assert {r.config.run_id for r in results} == {c.config.run_id for c in cells}
    assert all(r.test["accuracy"] == 1 and r.test["n"] == 3 and r.test["n_unlabelled"] == 2 for r in results)
    cell = next(c for c in cells if c.config.arm == "cod" and c.config.shots == 8)
    texts = [row.text for row in cell.rows]
    hard = np.array([[LABELS.index(row.label) for row in cell.rows]])
    weight, bias = fit_linear_batch(world.embed(texts)[None], np.ones((1, 8)), hard, world.teach(texts)[None])
    assert heads[cell.config.run_id][0] == pytest.approx(weight[0], abs=1e-9)
    assert heads[cell.config.run_id][1] == pytest.approx(bias[0], abs=1e-9)


def test_shots_of_a_config_count_every_row_and_k_is_where_it_is_plotted():
    cells, _ = World().plan(shots=(4,))
    assert {(c.config.arm, c.config.shots, c.config.plotted_k) for c in cells} == {
        ("kd", 4, 4),
        ("half", 2, 4),
        ("cod", 4, 4),
        ("cod_plus", 8, 4),
    }


def test_texts_are_embedded_once_however_many_students_use_them():
    world = World()
    world.run(world.plan()[0])
    assert len(world.asked) == len(set(world.asked))


def test_a_cancelled_sweep_goes_on_where_it_was():
    """Work before the cancel must be saved, and none of it be done twice."""
    world, saved = World(), []
    cells, _ = world.plan()

    def stop(done, total, message):
        if done:
            raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        world.run(cells, on_results=saved.extend, progress=stop)
    first = {r.config.run_id for r, _, _ in saved}
    rest = world.run(cells, done=first)
    assert first and first.isdisjoint(r.config.run_id for r in rest)
    assert len(first) + len(rest) == len(cells)
    assert world.run(cells, done={c.config.run_id for c in cells}) == []


def test_what_the_data_do_not_allow_is_left_out_for_all_seeds_and_said():
    world = World()
    world.pairs = {id: world.pairs[id] for id in world.orders[0][:2]}
    cells, left_out = world.plan(shots=(4, 16))
    assert {c.config.arm for c in cells} == {"kd", "half"} and {c.config.plotted_k for c in cells} <= {4, 16}
    assert any(text.startswith("cod:") for text in left_out)
    with pytest.raises(NotEnoughData, match="No student"):
        world.plan(shots=(64,))


def test_an_unknown_label_is_refused_before_anything_is_computed():
    world = World()
    cells, _ = world.plan(shots=(4,), arms=("kd",))
    row = cells[0].rows[0].__class__("good 1", "fine", "e1", False)
    with pytest.raises(BadInput, match="fine"):
        world.run([CellSpec(cells[0].config, (row, *cells[0].rows))])
    assert not world.asked


def test_arms_without_counterfactuals_are_one_student_whatever_is_set_for_them():
    """Twenty students more a setting, and a baseline that differs between them only by its name."""
    plain, _ = World().plan(shots=(4,))
    other, _ = World().plan(shots=(4,), cf_share=0.25, cf_weight=0.5, cf_source="search")
    ids = [{c.config.run_id for c in cells if c.config.arm == arm} for arm in ("kd", "half", "cod") for cells in (plain, other)]
    assert ids[0] == ids[1] and ids[2] == ids[3] and not ids[4] & ids[5]
    assert all(c.config.real_shots == c.config.shots // 2 for c in other if c.config.arm == "cod_plus")


def test_answers_are_told_apart_beyond_256_labels():
    """Class 299 was kept as 43, and a good student stood at 0 %."""
    told = answers({"test": np.eye(300)[[299, 43]], "unlabelled": np.zeros((0, 300))})
    assert told["test"].tolist() == [299, 43]
