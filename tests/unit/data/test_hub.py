"""Hub sets, without a hub: a wrong label map trains a student on the opposite."""

import random
from collections import Counter

import pytest

from cod_core.data.hub import HUB_SETS, hub_set, load_hub
from cod_core.errors import BadInput, Cancelled, ModelUnavailable


class FakeSet(list):
    """Rows with the one method of a data set that is used."""

    def shuffle(self, seed, **options):
        return FakeSet(random.Random(seed).sample(list(self), len(self)))


def hub(rows, seen=None):
    def load(path, config, **options):
        if seen is not None:
            seen.update(options, path=path, config=config)
        return FakeSet(rows)

    return load


def test_the_six_sets_are_named():
    assert set(HUB_SETS) == {"sst2", "cola", "imdb", "yelp", "amazon_polarity", "sentiment140"}
    for found in HUB_SETS.values():
        assert set(found.labels.values()) == set(found.task.labels) and set(found.splits) >= {"train", "test"}


def test_yelp_stars_are_not_off_by_one():
    """The hub's label is the number of stars less one; three stars take no side."""
    rows = [{"text": f"{stars} stars", "label": stars - 1} for stars in (1, 2, 3, 4, 5)]
    found = {e.text: e.label for e in load_hub("yelp", limit=10, load=hub(rows))}
    assert found == {"1 stars": "negative", "2 stars": "negative", "4 stars": "positive", "5 stars": "positive"}


def test_sentiment140_writes_zero_and_four():
    rows = [{"text": f"tweet {mood}", "sentiment": mood} for mood in (0, 2, 4)]
    assert {e.text: e.label for e in load_hub("sentiment140", limit=10, load=hub(rows))} == {"tweet 0": "negative", "tweet 4": "positive"}


def test_hidden_test_labels_are_not_taken_for_a_class():
    seen = {}
    rows = [{"sentence": "hidden", "label": -1}, {"sentence": "The dog bark.", "label": 0}, {"sentence": "It barks.", "label": 1}]
    found = load_hub("cola", "test", 10, load=hub(rows, seen))
    assert {(e.text, e.label, e.split) for e in found} == {("The dog bark.", "unacceptable", "test"), ("It barks.", "acceptable", "test")}
    assert (seen["path"], seen["config"], seen["split"]) == ("nyu-mll/glue", "cola", "validation")


def test_the_limit_is_shared_by_the_classes_and_repeats_are_left_out():
    """IMDB is sorted by label: its first thousand rows are all negative."""
    rows = [{"text": f"text {i // 2}", "label": int(i >= 400)} for i in range(800)]
    seen = []
    found = load_hub("imdb", limit=101, load=hub(rows), progress=lambda *step: seen.append(step))
    assert Counter(e.label for e in found) == {"negative": 51, "positive": 50}
    assert len({e.text for e in found}) == 101 and seen[-1][:2] == (101, 101)
    assert [e.id for e in found] == [e.id for e in load_hub("imdb", limit=101, load=hub(rows))]


def test_title_and_text_are_joined():
    rows = [{"title": "Great", "content": "It works.", "label": 1}]
    assert load_hub("amazon_polarity", load=hub(rows))[0].text == "Great\nIt works."


def test_no_hub_is_a_plain_message_and_a_bug_stays_a_bug():
    def offline(*args, **options):
        raise ConnectionError("[Errno -2] Name or service not known")

    with pytest.raises(ModelUnavailable, match="network"):
        load_hub("sst2", load=offline)
    with pytest.raises(KeyError):
        load_hub("sst2", load=hub([{"wrong": 1}]))

    def cancel(done, total, message):
        raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        load_hub("sst2", load=hub([]), progress=cancel)


def test_unknown_names_and_splits_list_what_there_is():
    with pytest.raises(BadInput, match="sst2, cola"):
        hub_set("mnli")
    with pytest.raises(BadInput, match="train, test"):
        load_hub("imdb", "validation", load=hub([]))
    with pytest.raises(BadInput, match="At least 1"):
        load_hub("imdb", limit=0, load=hub([]))
