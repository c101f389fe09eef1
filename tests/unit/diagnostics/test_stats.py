from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ttest_1samp

from cod_core.diagnostics import stats
from cod_core.diagnostics.stats import paired_interval, row_differences, sign_flip_p

DIFFS = st.lists(st.floats(-1, 1).map(lambda v: round(v, 3)), min_size=1, max_size=9)


def world(rng, seeds=20, n=400, mean=0.08, seed_sd=0.05, row_sd=0.3, noise=0.3):
    """D[s, i] of a two-way layout with a known mean."""
    return mean + seed_sd * rng.normal(size=(seeds, 1)) + row_sd * rng.normal(size=(1, n)) + noise * rng.normal(size=(seeds, n))


def effect(rows, **more):
    return paired_interval(rows.mean(1), rows, **more)


def test_the_interval_holds_the_truth_in_95_of_100_worlds():
    """t over seeds alone misses the chance of the test rows: it would cover far less here."""
    rng = np.random.default_rng(0)
    for seeds, n, seed_sd, row_sd in ((20, 120, 0.02, 0.4), (10, 120, 0.06, 0.3)):
        found = [effect(world(rng, seeds, n, 0.05, seed_sd, row_sd)) for _ in range(200)]
        assert 0.91 <= np.mean([e.low <= 0.05 <= e.high for e in found]) <= 0.99


def test_both_sources_of_chance_widen_the_interval():
    rng = np.random.default_rng(1)
    rows = world(rng)
    both, seeds_alone = effect(rows), effect(rows - rows.mean(0) + rows.mean())
    over_draws = ttest_1samp(rows.mean(1), 0).confidence_interval()
    assert both.high - both.low > max(over_draws.high - over_draws.low, seeds_alone.high - seeds_alone.low)


def test_averaged_rows_and_no_rows_err_on_the_wide_side():
    rng = np.random.default_rng(2)
    rows = np.sign(np.round(world(rng, n=200)))
    exact, averaged = effect(rows), paired_interval(rows.mean(1), rows.mean(0))
    bound = paired_interval(rows.mean(1), n_test=200)
    assert exact.mean == pytest.approx(averaged.mean) == pytest.approx(bound.mean)
    assert exact.high - exact.low < averaged.high - averaged.low < bound.high - bound.low


def test_a_large_steady_gain_is_clear_and_so_is_a_loss():
    rows = world(np.random.default_rng(3))
    gain, loss = effect(rows), effect(-rows)
    assert gain.clear and gain.low > 0 and gain.caveat == "" and gain.n_rows == 400
    assert loss.clear and loss.high < 0 and loss.mean == pytest.approx(-gain.mean)


@pytest.mark.parametrize(
    "make, caveat",
    [
        (lambda r: effect(r, distinct_draws=1), stats.ONE_DRAW),
        (lambda r: effect(r[:1]), stats.ONE_DRAW),
        (lambda r: effect(r[:, :99]), stats.FEW_ROWS),
        (lambda r: effect(r[:5]), stats.FEW_DRAWS),
        (lambda r: effect(r - r.mean()), stats.CHANCE),
        (lambda r: effect(r, overlap=0.9), stats.SHARED),
        (lambda r: effect(r, overlap=1.0), stats.SHARED),
        (lambda r: effect(r, overlap=None), stats.UNKNOWN),
    ],
)
def test_clear_is_never_said_where_the_protocol_forbids_it(make, caveat):
    rows = world(np.random.default_rng(4), mean=0.3, seed_sd=0.01)
    found = make(rows)
    assert not found.clear and found.caveat == caveat


def curated(rng, pairs, each, seeds=20, mean=0.0):
    """(S,) differences of draws of `each` out of so many pairs, every pair worth `mean` and chance."""
    worth = mean + 0.2 * rng.normal(size=pairs)
    return worth[np.argsort(rng.random((seeds, pairs)), 1)[:, :each]].mean(1)


@pytest.mark.parametrize("pairs, each", [(300, 16), (128, 32), (64, 31)])
def test_pairs_that_bring_nothing_seldom_look_clear_because_draws_share_them(pairs, each):
    """The interval alone covers the worth of other pairs in 83, 56 and 35 of 100 worlds: one set of pairs, drawn 20 times."""
    rng = np.random.default_rng(8)
    rows = np.zeros((1, 400)) + 0.001 * rng.normal(size=(1, 400))
    worlds = [curated(rng, pairs, each)[:, None] + rows for _ in range(300)]
    assert np.mean([effect(w).clear for w in worlds]) > 0.12
    assert np.mean([effect(w, overlap=each / pairs).clear for w in worlds]) < 0.08


def test_a_gain_of_many_pairs_stays_clear_and_the_interval_is_that_of_further_draws():
    rows = curated(np.random.default_rng(9), 300, 16, mean=0.15)[:, None] + np.zeros((1, 400))
    assert effect(rows, overlap=16 / 300).clear
    shared, alone = effect(rows, overlap=0.45), effect(rows)
    assert (shared.low, shared.high, shared.p_signflip) == (alone.low, alone.high, alone.p_signflip)


def test_the_widened_interval_by_hand():
    assert stats.widening(20, 0.0) == 1 and stats.widening(1, 0.5) == 2
    assert stats.widening(20, 0.25) == pytest.approx(5.75 / 0.75)
    rows = np.linspace(-0.05, 0.25, 20)[:, None] + np.zeros((1, 400))  # mean .1; .1 / (2.093 standard errors), squared: 5.232
    assert stats.widening(20, 0.175) == pytest.approx(5.24, abs=0.02)
    assert [effect(rows, overlap=w).caveat for w in (0.17, 0.18)] == ["", stats.SHARED]


def test_lengths_may_be_clear_on_fewer_rows_than_answers():
    rows = world(np.random.default_rng(4), n=60, mean=0.3, seed_sd=0.01)
    assert effect(rows).caveat == stats.FEW_ROWS and effect(rows, min_rows=30).clear
    assert effect(rows[:, :29], min_rows=30).caveat == stats.FEW_ROWS


def test_one_possible_draw_has_an_interval_from_the_test_rows_alone():
    """Twenty copies of one draw look like a standard deviation of zero."""
    rows = np.repeat(world(np.random.default_rng(5), seeds=1), 20, axis=0)
    found = effect(rows, distinct_draws=1)
    assert found.high - found.low > 0.02 and found.p_signflip == 1


def test_a_single_test_row_gives_no_interval():
    found = paired_interval([0.0, 1.0], [[0.0], [1.0]])
    assert found.low is None and found.high is None and not found.clear


@given(DIFFS)
def test_the_sign_flip_test_is_exact(diffs):
    signs = np.array(list(product((-1, 1), repeat=len(diffs))))
    by_hand = (np.abs(signs @ np.array(diffs)) >= abs(sum(diffs)) - 1e-9).mean()
    assert sign_flip_p(diffs) == pytest.approx(by_hand)
    assert sign_flip_p([-d for d in diffs]) == pytest.approx(sign_flip_p(diffs))


def test_five_draws_cannot_go_below_one_in_sixteen_and_twenty_can():
    assert sign_flip_p([0.1, 0.2, 0.1, 0.3, 0.2]) == 0.0625
    assert sign_flip_p([0.1] * 20) == pytest.approx(2 / 2**20)
    assert sign_flip_p([0.0] * 20) == 1


def test_many_draws_are_sampled_and_never_reach_zero():
    rng = np.random.default_rng(6)
    values = rng.normal(0.3, 1, 40)
    assert 0 < sign_flip_p(values + 5) < 1e-4
    assert sign_flip_p(values) == pytest.approx(ttest_1samp(values, 0).pvalue, abs=0.003)
    assert sign_flip_p(values) == sign_flip_p(values)


@given(st.integers(1, 8), st.integers(2, 30), st.integers(0, 999))
def test_the_interval_holds_the_mean_and_turns_with_the_sign(seeds, n, seed):
    rows = np.random.default_rng(seed).integers(-1, 2, (seeds, n)).astype(float)
    found, mirrored = effect(rows), effect(-rows)
    assert found.low <= found.mean + 1e-12 and found.mean <= found.high + 1e-12
    assert (mirrored.low, mirrored.high) == (pytest.approx(-found.high), pytest.approx(-found.low))
    shuffled = rows[np.random.default_rng(0).permutation(seeds)]
    assert effect(shuffled).high == pytest.approx(found.high)


def test_parts_that_do_not_belong_together_are_refused():
    """Rows of another test set would give an interval around another mean."""
    rows = world(np.random.default_rng(7), 3, 10)
    for bad in (
        lambda: paired_interval([]),
        lambda: paired_interval([0.1, 0.2]),
        lambda: paired_interval([0.1] * 3, rows),
        lambda: paired_interval([0.1] * 2, rows),
        lambda: effect(rows, n_test=11),
        lambda: row_differences([[1, 0]], [[1, 0, 1]]),
    ):
        with pytest.raises(ValueError):
            bad()


def test_row_differences_are_after_minus_before():
    assert row_differences([[True, False]], [[True, True]]).tolist() == [[0.0, 1.0]]
