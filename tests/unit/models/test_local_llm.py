"""The local language model: the same reply beside any neighbours, likelihoods as the model has them, one conversion."""

import time

import numpy as np
import pytest

from cod_core.errors import BadInput, ModelUnavailable
from cod_core.models.gguf import PACKAGED
from cod_core.models.local_llm import LocalLLM
from tests.tiny_llm import tiny_llm

PROMPTS = ["the film is", "a good plot and a bad end . the film", "the film is good ."]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return LocalLLM(str(tiny_llm(tmp_path_factory.mktemp("tiny"))))


def test_a_reply_does_not_depend_on_what_is_asked_beside_it(tiny):
    """Padding or a shared prefix that leaks into a row would change replies with the batch."""
    together = tiny.complete(PROMPTS, [1, 2, 3], max_tokens=8, temperature=1.0)
    alone = [tiny.complete([p], [s], max_tokens=8, temperature=1.0)[0] for p, s in zip(PROMPTS, [1, 2, 3])]
    assert together == alone and len({text for text, _ in together}) > 1


def test_greedy_replies_are_those_of_transformers(tiny):
    """A wrong position or mask still writes text."""
    said = tiny.complete(PROMPTS, [0, 0, 0], max_tokens=6, temperature=0.0)
    for prompt, (text, _) in zip(PROMPTS, said):
        ids = tiny.tokenizer(prompt, return_tensors="pt")
        out = tiny.model.generate(input_ids=ids["input_ids"], attention_mask=ids["attention_mask"], max_new_tokens=6, do_sample=False)
        assert text == tiny.tokenizer.decode(out[0, ids["input_ids"].shape[1] :], skip_special_tokens=True)


def test_seeds_decide_and_the_processs_own_randomness_stays(tiny):
    import torch

    before = torch.random.get_rng_state()
    texts = {tiny.complete(PROMPTS[:1], [s], max_tokens=8, temperature=1.0)[0][0] for s in range(6)}
    assert len(texts) > 1 and bool((torch.random.get_rng_state() == before).all())


def test_a_reply_ends_at_a_stop_string_or_says_that_it_was_cut(tiny):
    text, ending = tiny.complete(PROMPTS[:1], [0], max_tokens=6, temperature=0.0)[0]
    assert ending == "length"
    middle = text.split()[2]
    short, ending = tiny.complete(PROMPTS[:1], [0], max_tokens=6, temperature=0.0, stop=(middle,))[0]
    assert ending == "stop" and middle not in short and text.startswith(short)


def test_likelihoods_are_those_of_the_model(tiny):
    texts = ["the film is good .", "a bad plot", "one two three four five six seven"]
    for text, found in zip(texts, tiny.nll(texts)):
        ids = tiny.tokenizer(text, return_tensors="pt")["input_ids"]
        assert found == pytest.approx(tiny.model(ids, labels=ids).loss.item(), rel=1e-4)
    assert np.isnan(tiny.nll([""])[0]) and tiny.complete([], []) == []


def test_the_chain_rule_holds_for_continuations(tiny):
    """Label words are scored this way: an offset by one would score the wrong tokens."""
    whole = tiny.token_nll(["the film is good ."])[0]
    rest, other = tiny.continuation_nll([("the film", "is good ."), ("the film is", "bad")])
    assert rest == pytest.approx(whole[2:], rel=1e-4) and len(other) == 1


def test_likely_words_at_a_place_are_the_models(tiny):
    text = "the film is good ."
    found = tiny.next_words("", text, [0, 9, 12, 3])
    assert found[3] == {}
    token = tiny.tokenizer("good", add_special_tokens=False)["input_ids"][0]
    assert -found[2][token] == pytest.approx(float(tiny.token_nll([text])[0][3]), rel=1e-4)


def test_too_long_and_mismatched_prompts_are_refused(tiny):
    with pytest.raises(BadInput, match="reads 512"):
        tiny.complete(["the " * 511], [0], max_tokens=8)
    with pytest.raises(BadInput, match="One seed"):
        tiny.complete(PROMPTS, [0])


@pytest.mark.parametrize("name, said", [("nowhere/no-such-model", "could not be loaded"), ("missing.gguf", "no file")])
def test_what_cannot_be_loaded_is_named(tmp_path, name, said):
    with pytest.raises(ModelUnavailable, match=said):
        LocalLLM(name, tmp_path)


def test_a_file_that_is_no_gguf_is_refused_and_leaves_nothing(tmp_path):
    (tmp_path / "bad.gguf").write_bytes(b"not a model")
    with pytest.raises(ModelUnavailable, match="could not be read"):
        LocalLLM(str(tmp_path / "bad.gguf"), tmp_path / "cache")
    assert not list((tmp_path / "cache").iterdir())


@pytest.mark.slow
def test_the_packaged_model_is_converted_once_and_judges_word_order(converted):
    """A dequantised norm that is off by one still loads; it would find shuffled words as likely."""
    cache, first, parts = converted
    assert parts == [(0, 4), (1, 4), (2, 4), (3, 4)], "a minute without a word"
    started = time.process_time()
    llm = LocalLLM(PACKAGED, cache)
    assert time.process_time() - started < first / 2
    assert len(list(cache.iterdir())) == 1 and not llm.chats and llm.id == f"local:{PACKAGED}"
    good, shuffled = llm.nll(["The film is a delight from start to end.", "Delight end a film to is the start from."])
    assert good < 5 < shuffled
    paris, rome = llm.continuation_nll([("The capital of France is", " Paris"), ("The capital of France is", " Rome")])
    assert paris.sum() < rome.sum()
