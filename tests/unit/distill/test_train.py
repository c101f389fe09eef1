"""One way from cells to students: the sweep's numbers and the grid's, whatever the kind."""

from dataclasses import replace

import numpy as np
import pytest

from cod_core.distill import train
from cod_core.distill.blocks import SOLVED, bench_of, cut_parts
from cod_core.distill.cells import CellSpec, EvalSet, Training
from cod_core.distill.kinds import KINDS
from cod_core.distill.stepwise import TRAINED
from cod_core.distill.train import train_cells, trainer_of
from cod_core.errors import BadInput, Cancelled
from cod_core.models.student import EncoderModel, load_student
from tests.unit.distill import tiny
from tests.unit.distill.test_blocks import given
from tests.unit.distill.test_sweep import LABELS, World


class Encoded(World):
    """Embeddings in float32, as encoders give them and blocks carry them."""

    def embed(self, texts):
        return super().embed(texts).astype(np.float32)


def training(world, **more):
    return Training(LABELS, (world.test, EvalSet(), EvalSet(("bad q", "good r"))), world.teach, world.embed, **more)


@pytest.mark.parametrize("student", ["linear", "retrieval"])
def test_a_sweep_and_a_grid_give_the_same_students(student):
    """Two ways of training the same cells drift apart."""
    world = Encoded()
    cells = [replace(c, config=replace(c.config, student=student)) for c in world.plan()[0]]
    swept = {d.result.config.run_id: d for batch in train_cells(cells, training(world)) for d in batch}
    rows, parts = cut_parts(cells, LABELS, world.embed, 7)
    bench = bench_of(given(world, rows))
    for done in (d for part in parts for d in SOLVED.once(bench, part)):
        other = swept.pop(done.result.config.run_id)
        assert (done.result.test, done.result.dev) == (other.result.test, other.result.dev)
        assert done.told.keys() == other.told.keys() == {"test", "unlabelled"}
        assert all(np.array_equal(done.told[name], other.told[name]) for name in done.told)
        assert (done.weight is None) == (student != "linear") and np.array_equal(done.weight, other.weight)
    assert not swept


def test_finished_cells_are_skipped_and_what_was_handed_over_before_a_stop_is_whole():
    world, kept = World(), []
    cells, _ = world.plan()

    def stop(done, total, message):
        if done:
            raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        for batch in train_cells(cells, training(world, progress=stop)):
            kept += batch
    first = {d.result.config.run_id for d in kept}
    rest = [d.result.config.run_id for batch in train_cells(cells, training(world), first) for d in batch]
    assert first and first.isdisjoint(rest) and len(first) + len(rest) == len(cells)
    assert not list(train_cells(cells, training(world), {c.config.run_id for c in cells}))


def test_students_trained_step_by_step_are_saved_where_there_is_a_folder(tmp_path):
    encoder, test = EncoderModel(tiny.bert(), tiny.word_tokenizer(), "tiny"), EvalSet(("good the film", "bad the film"), ("good", "bad"))
    training = Training(tiny.LABELS, (test, EvalSet(), EvalSet()), tiny.teach, load=lambda name: encoder, folder=tmp_path)
    for student in ("finetuned:tiny:all", "contrastive:tiny:all"):
        cell = CellSpec(replace(tiny.config(steps=1), student=student), tuple(tiny.ROWS))
        [[done]] = train_cells([cell], training)
        assert done.result.path == str(tmp_path / cell.config.run_id) and done.weight is None and done.logprobs is None
        assert load_student(done.result.path).logprobs(test.texts).argmax(-1).tolist() == done.told["test"].tolist()


def test_every_kind_has_something_that_trains_it_and_an_unknown_one_is_named():
    """A kind that only the registry knows would fail when its first sweep is half done."""
    assert {*train.SOLVED, *TRAINED} == {*KINDS} and all(callable(trainer_of(kind)) for kind in KINDS.values())
    world = World()
    cells = [replace(c, config=replace(c.config, student="forest")) for c in world.plan()[0]]
    with pytest.raises(BadInput, match="no student called 'forest'"):
        list(train_cells(cells, training(world)))
