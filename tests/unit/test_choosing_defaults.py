"""What a default is chosen by: the present setting is the app's, counterfactuals are the rows that weigh, a task that loses says no."""

import numpy as np
import pytest

from benchmarks import defaults, home_tables
from benchmarks.held import Held
from cod_core.models.encoder import DEFAULT_ENCODER, Encoder
from cod_core.types import RunConfig


def data(pool: int = 12, classes: int = 2) -> Held:
    """Two classes in turn; text i has the counterfactual i, whose features say so."""
    rng, gold = np.random.default_rng(0), np.arange(pool) % classes
    told = np.log(np.full((pool, classes), 0.1) + 0.8 * np.eye(classes)[gold])
    phi = rng.normal(size=(pool, 4))
    return Held(
        np.array(["a", "b"]),
        np.array([str(i) for i in range(pool)]),
        *(phi, gold, told),
        *(np.zeros((0, 4)), np.zeros(0, dtype=int)),
        *(phi, gold, told),
        *(phi, gold, told),
        np.arange(pool),
        1 - gold,
        100.0 + np.arange(pool)[:, None] * np.ones((1, 4)),
        told[:, ::-1],
    )


def test_the_present_setting_is_the_apps_own():
    """Prevents: options that are compared with what nobody gets."""
    made = RunConfig("kd", "cod", 8, 0, "linear", DEFAULT_ENCODER, "", "", "")
    option = defaults.OPTIONS[defaults.PRESENT]
    for name in ("temperature", "kd_weight", "l2", "cf_share", "cf_weight"):
        assert getattr(option, name) == getattr(made, name)
    assert option.names == made.label_prior and option.layers == (defaults.LAYERS,)


@pytest.mark.parametrize("k, share, second", [(8, 0.5, 4), (8, 0.25, 2), (8, 0.125, 1)])
def test_counterfactuals_are_told_from_texts(k, share, second):
    """Prevents: a weight that is given to real rows, or k rows that are not k."""
    one = defaults.paired(data(), list(range(12)), k, share)
    x, hard, _ = one.rows
    assert len(hard) == k and one.cf.sum() == second
    assert (x[one.cf] >= 100).all() and (x[~one.cf] < 100).all()


def test_the_few_have_their_counterfactuals_and_others_without_a_label():
    one = defaults.few(data(60), list(range(60)), 0)
    x, _, _ = one.rows
    assert one.cf.sum() == defaults.FEW and (x[one.cf] >= 100).all() and len(x) == 2 * defaults.FEW + 60 - defaults.FEW


def test_a_persons_label_stands_where_the_teacher_says_another():
    held = data()
    held.pool_gold[0] = 1  # the teacher says the first class
    _, hard, soft = defaults.everything(held).rows
    assert hard[0] == 1 and soft[0].argmax() == 1


def test_layers_are_read_as_the_encoder_reads_them():
    """Prevents: figures of layers 4 and 6 that no student of such an encoder has."""
    texts = ["a fine film", "a dull film with a long title"]
    every = Encoder(f"{DEFAULT_ENCODER}@1,2,3,4,5,6").encode(texts).reshape(2, defaults.LAYERS, -1) * np.sqrt(defaults.LAYERS)
    read = defaults.Read(every, every, every, every, every)
    assert np.allclose(read.after("pool", (4, 6)), Encoder(f"{DEFAULT_ENCODER}@4,6").encode(texts), atol=1e-5)


@pytest.mark.parametrize("changes, speaks", [((0.02, 0.01, 0.015), True), ((0.03, 0.03, -0.001), False), ((0.0, 0.0, 0.05), False)])
def test_a_default_changes_only_where_no_task_loses_and_the_mean_is_no_chance(changes, speaks):
    assert home_tables.passes(dict(enumerate(changes))) is speaks
