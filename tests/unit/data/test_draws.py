"""Draws: a wrong one compares arms on different rows and nobody sees it."""

import random
from collections import Counter

import pytest

from cod_core.data.draws import aimed_evenly, draw, order_rows, target_in_turn, with_pairs_first
from cod_core.errors import BadInput, NotEnoughData
from cod_core.types import Example

LABELS = ("no", "maybe", "yes")


def rows(counts):
    return [Example(f"{label}{i}", f"{label} {i}", label) for label, n in counts.items() for i in range(n)]


def label_of(examples):
    return {e.id: e.label for e in examples}


@pytest.mark.parametrize("seed", range(6))
def test_every_prefix_is_balanced_to_the_largest_k(seed):
    """An unbalanced draw teaches the class prior."""
    examples = rows({"no": 7, "maybe": 5, "yes": 9})
    order, label = order_rows(examples, LABELS, seed), label_of(examples)
    assert sorted(order) == sorted(label)
    for k in range(1, 16):
        counts = Counter(label[i] for i in order[:k])
        assert max(counts.values()) - min(counts.get(name, 0) for name in LABELS) <= 1


def test_the_remainder_rotates_over_the_classes_by_seed():
    """Always giving the odd row to one class would favour it over all seeds."""
    examples = rows({"no": 4, "maybe": 4, "yes": 4})
    label = label_of(examples)
    assert [label[order_rows(examples, LABELS, seed)[0]] for seed in range(4)] == ["no", "maybe", "yes", "no"]


def test_order_depends_on_seed_and_not_on_the_order_of_upload():
    examples = rows({"no": 20, "yes": 20})
    mixed = random.Random(1).sample(examples, len(examples))
    assert order_rows(examples, ("no", "yes"), 3) == order_rows(mixed, ("no", "yes"), 3)
    assert order_rows(examples, ("no", "yes"), 3) != order_rows(examples, ("no", "yes"), 4)


def test_rows_without_a_label_of_the_task_are_refused():
    with pytest.raises(BadInput, match="other"):
        order_rows([Example("a", "t", "other")], ("no", "yes"), 0)


def test_draws_are_nested_and_bounded():
    order = order_rows(rows({"no": 8, "yes": 8}), ("no", "yes"), 0)
    assert draw(order, 16)[:8] == draw(order, 8)
    with pytest.raises(NotEnoughData, match="16"):
        draw(order, 17)
    with pytest.raises(BadInput):
        draw(order, 0)


@pytest.mark.parametrize("seed", range(5))
def test_paired_rows_replace_the_others_within_their_class(seed):
    """Replacing across classes would leave CoD's half unbalanced."""
    examples = rows({"no": 10, "yes": 10})
    order, label = order_rows(examples, ("no", "yes"), seed), label_of(examples)
    pairs = {f"no{i}" for i in range(4)} | {f"yes{i}" for i in range(3, 9)}
    changed = with_pairs_first(order, pairs, 8, label)
    assert set(changed[:8]) <= pairs and sorted(changed) == sorted(order)
    for k in range(1, 21):
        counts = Counter(label[i] for i in changed[:k])
        assert abs(counts["no"] - counts["yes"]) <= 1 or k > 8
    kept = [i for i in changed if i not in changed[:8]]
    assert kept == [i for i in order if i not in changed[:8]]


def test_an_order_that_has_its_pairs_is_left_alone():
    examples = rows({"no": 5, "yes": 5})
    order = order_rows(examples, ("no", "yes"), 2)
    assert with_pairs_first(order, set(order), 6, label_of(examples)) == order
    assert with_pairs_first(order, set(order), 6) == order


def test_too_few_pairs_of_a_class_are_named():
    examples = rows({"no": 5, "yes": 5})
    order = order_rows(examples, ("no", "yes"), 0)
    with pytest.raises(NotEnoughData, match="'yes'.*1 exist"):
        with_pairs_first(order, {"no0", "no1", "no2", "yes0"}, 4, label_of(examples))


@pytest.mark.parametrize("seed", range(4))
def test_counterfactuals_of_a_small_draw_are_as_balanced_as_its_rows(seed):
    """Four topics at k = 8: four counterfactuals at random leave a topic out in two draws of three."""
    names = ("world", "sports", "business", "science")
    examples = rows(dict.fromkeys(names, 12))
    label = label_of(examples)
    others = {e.id: [n for n in names if n != e.label][int(e.id[len(e.label) :]) % 3] for e in examples}
    order = order_rows(examples, names, seed)
    changed = with_pairs_first(order, set(order), 24, label, others, names, seed)
    assert [label[i] for i in changed[:24]] == [label[i] for i in order[:24]]
    for k in (4, 8, 12, 24):
        assert set(Counter(others[i] for i in changed[:k]).values()) == {k // 4}
        assert set(Counter(label[i] for i in changed[:k]).values()) == {k // 4}
    for name in names:
        assert {target_in_turn(name, n, names, seed) for n in range(3)} == set(names) - {name}


def test_rows_are_not_chosen_by_target_where_targets_are_the_nearest_classes():
    """Of negative texts those next to positive rather than neutral are unusual: drawing them cost CoD .03 on news."""
    examples = rows({"no": 8, "maybe": 8, "yes": 8})
    order, label = order_rows(examples, LABELS, 0), label_of(examples)
    nearest = {i: "maybe" if label[i] != "maybe" else ("no", "yes")[int(i[-1]) % 2] for i in order}
    nearest |= {"no0": "yes", "yes0": "no"}
    assert not aimed_evenly(nearest, label, LABELS)
    assert with_pairs_first(order, set(order), 12, label, nearest, LABELS, 0) == order


def test_where_no_row_aims_at_the_class_that_is_due_the_next_one_serves():
    """After some were rejected a class may have none left."""
    examples = rows({"no": 4, "maybe": 4, "yes": 4})
    order, label = order_rows(examples, LABELS, 0), label_of(examples)
    aimed = {i: [n for n in LABELS if n != label[i]][int(i[-1]) % 2] for i in order}
    aimed |= {"no0": "yes", "no1": "yes", "no2": "yes", "no3": "maybe"}
    assert aimed_evenly(aimed, label, LABELS)
    assert sorted(with_pairs_first(order, set(order), 12, label, aimed, LABELS, 0)) == sorted(order)
