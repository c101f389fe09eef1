"""The written sample: small, whole, and fit for the main job without any network."""

from collections import Counter

from cod_core.data.draws import draw, order_rows
from cod_core.data.split import balance
from cod_core.data.tables import clean_text, text_problem
from cod_core.data.written_sample import TASK, written_sample


def test_it_is_balanced_split_and_free_of_repeats():
    examples = written_sample()
    assert Counter((e.split, e.label) for e in examples) == {
        (split, label): n for split, n in (("train", 32), ("validation", 4), ("test", 14)) for label in TASK.labels
    }
    assert len({e.id for e in examples}) == 100
    assert all(clean_text(e.text) == e.text and text_problem(e.text) is None for e in examples)
    assert len({(e.source_id, e.split) for e in examples}) == 50


def test_it_allows_a_draw_of_64():
    train = [e for e in written_sample() if e.split == "train"]
    assert balance(train, TASK.labels).largest_k == 64
    assert len(draw(order_rows(train, TASK.labels, 0), 64)) == 64
