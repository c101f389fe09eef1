"""Reading what is new in a text gives what reading all of it gives."""

import numpy as np
import pytest

from cod_core.models.junctions import JunctionReader
from cod_core.models.local_llm import LocalLLM
from tests.tiny_llm import tiny_llm

TEXT = "the film is good . a good plot and a bad end"
CHANGED = [
    "the film is bad . a good plot and a bad end",
    "a film is good . a good plot and a bad end",
    "the film is good . a good plot",
    TEXT,
]


@pytest.fixture(scope="module")
def reader(tmp_path_factory):
    return JunctionReader(LocalLLM(str(tiny_llm(tmp_path_factory.mktemp("tiny")))), [TEXT])


def test_a_changed_text_reads_as_if_it_were_read_alone(reader):
    """A state of the wrong length, or a position that is off, still gives numbers. A tail of 8 tokens is read after a change."""
    for text, read in zip(CHANGED, reader.changed(TEXT, CHANGED), strict=True):
        alone = reader.read(text)
        assert len(read.nll) == len(alone.nll)
        first = next((i for i, (a, b) in enumerate(zip(TEXT.split(), text.split())) if a != b), len(text.split()))
        assert np.allclose(read.nll[: first + 8], alone.nll[: first + 8], atol=1e-4), text
    assert reader.changed(TEXT, CHANGED[2:3])[0].closing == pytest.approx(reader.read(CHANGED[2]).closing, abs=1e-4)


def test_likelihoods_are_the_models_where_the_vocabulary_is_whole(reader):
    whole = reader._llm.token_nll([TEXT])[0]
    assert np.allclose(reader.read(TEXT).nll[-len(whole) :], whole, atol=1e-4)


def test_nats_between_two_places_are_those_of_the_words_there(reader):
    read = reader.read(TEXT)
    assert read.between(0, len(TEXT)) == pytest.approx(read.nll.sum()) and reader.read("").mean == 0
