"""Splices: only where both junctions hold, nothing said twice, endings and frozen words kept, in any language."""

import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cod_core.counterfactuals.moves import render
from cod_core.counterfactuals.segments import clause_edges, sentences, tagged
from cod_core.counterfactuals.splices import ClassWeights, move_of, repeats, splices


def spliced(text, donor, target="b", stay=(), most=0.6):
    """The texts of every splice of one donor."""
    own, other = tagged(text), tagged(donor)
    editable = [w not in stay for w in own.lower]
    found = splices(own, other, 0, target, editable, most)
    return {render(text, own.spans, [move_of(own, other, one)], own.language.forms) for one in found}


def test_a_phrase_goes_where_the_same_words_stand_beside_it():
    found = spliced("check the apr on my visa card, please", "what is the minimum payment on my amex card")
    assert "check the minimum payment on my visa card, please" in found


def test_half_a_sentence_is_never_left_over():
    """The donor ends after "bill": "i need to pay my bill is due" joins two halves that both say "my bill"."""
    assert "i need to pay my bill is due" not in spliced("i cant remember when my bill is due", "i need to pay my bill")


def test_a_subject_does_not_become_an_object():
    """The donor begins with "my": what follows it is a sentence of its own."""
    assert "i want my card was stolen" not in spliced("i want my card changed", "my card was stolen")


def test_whole_sentences_change_places_whatever_stands_around_them():
    text = "Late entry. Pt slipped on the wet floor. Family aware."
    found = spliced(text, "Night shift: Insulin dose omitted by mistake. Will monitor.", most=0.3)
    assert "Late entry. Insulin dose omitted by mistake. Family aware." in found
    assert all(one.endswith(".") for one in found)


def test_a_number_is_not_cut_at_its_sign():
    """ "at 19:05;" gave "05; skin tear" as if a sentence began after the colon."""
    assert [tagged("Fell at 19:05 today").left[i] for i in range(4)] == ["\x02", "fell", "at", "19"]
    assert sentences(tagged("BM 18.4 now. Given.")) == [(0, 6), (6, 8)]


def test_frozen_words_stay():
    found = spliced("check the apr on my visa card", "check the minimum payment on my amex card", stay={"visa"})
    assert found and all("visa" in one for one in found)
    assert not any("apr" not in one for one in spliced("check the apr on my visa card", "check the balance on my visa card", stay={"apr"}))


def test_nothing_is_said_twice():
    found = spliced("Stock low. Family aware.", "Glasses lost today. Family aware.", most=0.9)
    assert "Glasses lost today. Family aware. Family aware." not in found
    assert repeats("the bill the bill".split(), {"the"}) == 2 and repeats("my bill and your card".split(), {"my", "your", "and"}) == 0


def test_german_is_spliced_by_its_words():
    found = spliced("ich finde den Film wirklich gut", "ich finde den Ton wirklich schlecht und laut")
    assert any("schlecht" in one for one in found)


def test_capitals_follow_the_place():
    own, donor = tagged("Late entry. Stock was low today."), tagged("The ward was cold today.")
    one = next(s for s in splices(own, donor, 0, "b", [True] * len(own)) if donor.piece(s.first, s.last).startswith("The"))
    assert move_of(own, donor, one).new.startswith("The")


def test_clauses_end_at_commas_and_at_the_edges():
    assert clause_edges(tagged("wet floor, nobody fell")) == frozenset({0, 2, 3, 5})


def test_words_say_their_class():
    weights = ClassWeights([tagged("good film"), tagged("good plot"), tagged("bad film")], ["p", "p", "n"], ("n", "p"))
    assert weights.of(["good"])[1] > weights.of(["good"])[0] and np.all(weights.of(["unknown"]) == 0)


WORDS = st.lists(st.sampled_from("the a my card bill is due lost on in . , and i pay".split()), min_size=1, max_size=9).map(" ".join)


@given(WORDS, WORDS)
def test_a_splice_says_what_it_changes(text, donor):
    """Spans out of order or past the end would cut other words than those that were judged."""
    own, other = tagged(text), tagged(donor)
    for one in splices(own, other, 3, "b", [True] * len(own)):
        assert 0 <= one.start <= one.end <= len(own) and 0 <= one.first <= one.last <= len(other)
        assert one.edits == max(one.end - one.start, one.last - one.first) > 0
        assert render(text, own.spans, [move_of(own, other, one)], own.language.forms) != text


WEIGHED = """
from cod_core.counterfactuals.segments import tagged
from cod_core.counterfactuals.splices import ClassWeights
words = [f"word{i}" for i in range(200)]
texts = [tagged(" ".join(words[i : i + 7 + i % 5])) for i in range(0, 180, 3)]
weights = ClassWeights(texts, ["n" if i % 3 else "p" for i in range(len(texts))], ("n", "p"))
print(weights.of(words).tobytes().hex())
"""


@pytest.mark.slow
def test_every_process_weighs_words_to_the_same_last_digit():
    """A set's order is another one in each process: a splice that two texts were close to came out otherwise on a cluster."""
    said = {
        subprocess.run([sys.executable, "-c", WEIGHED], env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, check=True).stdout
        for seed in "1234"
    }
    assert len(said) == 1
