"""Teachers on this machine: label maps, folders that must be refused, texts that are not read to the end."""

import json
import shutil

import numpy as np
import pytest

from cod_core.errors import LabelMismatch, ModelUnavailable, NotEnoughData
from cod_core.models.cached import CachedClassifier
from cod_core.models.encoder import Encoder, length_batches, packaged_encoder_folder
from cod_core.models.finetune import finetune_teacher
from cod_core.models.teachers import BUILTIN, FineTunedTeacher, TransformersTeacher, label_order

LABELS = ("complaint", "praise")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A real, tiny, randomly initialised classifier with the packaged tokenizer, saved as people save theirs."""
    import torch
    from transformers import AutoTokenizer, BertConfig, BertForSequenceClassification

    where = tmp_path_factory.mktemp("classifier")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = BertForSequenceClassification(
            BertConfig(
                hidden_size=16,
                num_hidden_layers=1,
                num_attention_heads=2,
                intermediate_size=16,
                max_position_embeddings=32,
                num_labels=2,
                id2label={0: "LABEL_0", 1: "LABEL_1"},
                label2id={"LABEL_0": 0, "LABEL_1": 1},
            )
        )
    model.save_pretrained(where)
    AutoTokenizer.from_pretrained(packaged_encoder_folder()).save_pretrained(where)
    return where


def test_a_map_puts_the_classifiers_outputs_in_the_projects_order(folder):
    """A swapped order would turn every verdict around without a sound."""
    straight = TransformersTeacher(str(folder), LABELS, {"LABEL_0": "complaint", "LABEL_1": "praise"})
    swapped = TransformersTeacher(str(folder), LABELS, {"LABEL_1": "complaint", "LABEL_0": "praise"})
    a, b = straight.logprobs(["one text"]), swapped.logprobs(["one text"])
    assert np.allclose(a, b[:, ::-1]) and np.allclose(np.exp(a).sum(1), 1)


@pytest.mark.parametrize("label_map", [None, {"LABEL_0": "complaint"}, {"LABEL_0": "praise", "LABEL_1": "praise"}])
def test_a_wrong_or_partial_map_is_refused_with_both_lists(folder, label_map):
    with pytest.raises(LabelMismatch, match="Classifier: LABEL_0, LABEL_1\nProject: complaint, praise"):
        TransformersTeacher(str(folder), LABELS, label_map)


def test_labels_match_by_name_ignoring_case():
    assert label_order(["Positive", "NEGATIVE"], ["negative", "positive"], None, "x") == [1, 0]


def test_a_folder_without_safetensors_is_refused(folder, tmp_path):
    """Pickled weights can run code."""
    shutil.copytree(folder, tmp_path / "unsafe")
    (tmp_path / "unsafe" / "model.safetensors").rename(tmp_path / "unsafe" / "pytorch_model.bin")
    with pytest.raises(ModelUnavailable, match="no .safetensors"):
        TransformersTeacher(str(tmp_path / "unsafe"), LABELS)


def test_a_name_that_cannot_be_had_gets_a_plain_message():
    with pytest.raises(ModelUnavailable, match="could not be loaded"):
        TransformersTeacher("nobody/no-such-model", LABELS)


def test_texts_are_predicted_in_their_order_whatever_their_length(folder):
    teacher = TransformersTeacher(str(folder), LABELS, {"LABEL_0": "complaint", "LABEL_1": "praise"})
    texts = ["a", "a much longer text than the others are", "two words", "x"]
    together = teacher.logprobs(texts)
    alone = np.vstack([teacher.logprobs([t]) for t in texts])
    assert np.allclose(together, alone, atol=1e-5)
    assert teacher.logprobs([]).shape == (0, 2)


def test_says_how_much_of_a_long_text_is_read(folder):
    """What lies beyond is greyed on screen; an edit there can never flip."""
    teacher = TransformersTeacher(str(folder), LABELS, {"LABEL_0": "complaint", "LABEL_1": "praise"})
    long = "word " * 100
    read = teacher.chars_read(long)
    assert 0 < read < len(long)
    assert np.allclose(teacher.logprobs([long]), teacher.logprobs([long[:read]]), atol=1e-5)
    assert teacher.chars_read("short") == 5


def test_a_short_text_of_many_word_pieces_is_said_to_be_cut():
    """It had fewer characters than the teacher reads pieces, so it was said to be read to its end."""
    teacher = FineTunedTeacher(BUILTIN / "movies")
    cached, text = CachedClassifier(None, "t", "1", teacher.labels, lambda: teacher), "한글 안녕하세요 " * 10
    assert len(text) < 100 < teacher.max_tokens < len(teacher.tokenizer(text)["input_ids"])
    assert cached.chars_read(text) == teacher.chars_read(text) < len(text) and cached.chars_read("short") == 5


def test_length_batches_hold_every_text_once_and_little_padding():
    lengths = [5, 300, 7, 120, 5, 5]
    batches = list(length_batches(lengths, 512))
    assert sorted(i for b in batches for i in b) == list(range(6))
    assert all(len(b) == 1 or max(lengths[i] for i in b) * len(b) <= 512 for b in batches)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["movies", "amazon", "tweets", "news"])
def test_built_in_teachers_are_small_and_know_good_from_bad(name):
    assert (BUILTIN / name / "adapter.safetensors").stat().st_size < 700_000
    measured = json.loads((BUILTIN / name / "measured.json").read_text())
    assert measured["test"]["accuracy"] >= {"movies": 0.85, "amazon": 0.85, "tweets": 0.95, "news": 0.65}[name]
    teacher = FineTunedTeacher(BUILTIN / name)
    praise, blame = {
        "news": ("This is a sensible plan that will help many people.", "This is a shameful failure that will hurt many people.")
    }.get(name, ("I loved it, it is wonderful.", "I hated it, it is awful."))
    said = [p.label for p in teacher.predict([praise, blame])]
    assert said == ["positive", "negative"]


@pytest.mark.slow
def test_a_teacher_trained_on_own_texts_comes_back_the_same_from_its_folder(tmp_path):
    texts = ["good phone", "great phone", "bad phone", "awful phone"] * 4
    labels = ["praise", "praise", "complaint", "complaint"] * 4
    made = finetune_teacher(texts, labels, LABELS, "all-MiniLM-L6-v2", tmp_path / "t", epochs=12)
    teacher = FineTunedTeacher(made)
    assert [p.label for p in teacher.predict(["great phone", "awful phone"])] == ["praise", "complaint"]
    again = FineTunedTeacher(made)
    assert np.array_equal(again.logprobs(texts), teacher.logprobs(texts)) and again.revision == teacher.revision


@pytest.mark.slow
def test_a_teacher_of_long_texts_reads_twice_as_much_of_them(tmp_path):
    """Of a contract's clauses it read the first half, whatever the other said."""
    clause, notes = "the tenant shall pay the rent without any deduction and " * 20, ["A late payment.", "A prompt payment."] * 6
    long = [f"{clause} {i}" for i in range(2)]
    for texts, read in (([*notes, *long], 256), ([*notes, long[0]], 128)):
        labels = [LABELS[i % 2] for i in range(len(texts))]
        folder = finetune_teacher(texts, labels, LABELS, "all-MiniLM-L6-v2", tmp_path / str(read), epochs=1)
        teacher = FineTunedTeacher(folder)
        assert teacher.max_tokens == read and (teacher.chars_read(clause) == len(clause)) == (read == 256)


def test_a_label_without_texts_is_named(tmp_path):
    with pytest.raises(NotEnoughData, match="praise"):
        finetune_teacher(["a"], ["complaint"], LABELS, "all-MiniLM-L6-v2", tmp_path)


@pytest.mark.slow
def test_embeddings_have_length_one_and_do_not_depend_on_the_batch():
    encoder = Encoder()
    texts = ["a film", "a much longer sentence about a film that nobody saw", "x"]
    together = encoder.encode(texts)
    assert together.shape == (3, encoder.dimension) and np.allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    assert np.allclose(together[0], encoder.encode(["a film"])[0], atol=1e-5)
