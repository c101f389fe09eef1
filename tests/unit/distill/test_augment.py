from cod_core.distill.augment import random_swap, vocabulary
from cod_core.text import token_spans

TEXT = "The plot is dull, and slow."


def words(text):
    return [text[a:b] for a, b in token_spans(text)]


def test_as_many_words_change_as_the_counterfactual_changed():
    vocab = vocabulary(["red green blue plot film"])
    for like, n in ((TEXT.replace("dull", "great"), 1), (TEXT.replace("dull", "great").replace("slow", "fast"), 2)):
        changed = random_swap(TEXT, like, vocab, "id")
        assert sum(a != b for a, b in zip(words(TEXT), words(changed))) == n and len(words(changed)) == len(words(TEXT))


def test_the_draw_belongs_to_the_text_and_keeps_capitals_and_punctuation():
    vocab = vocabulary(["red green blue"])
    assert random_swap(TEXT, "x", vocab, "id") == random_swap(TEXT, "x", vocab, "id")
    for key in "abcdefgh":
        changed = random_swap(TEXT, "x y z", vocab, key)
        assert changed[0].isupper() and changed.endswith(".") and changed.count(",") == 1


def test_texts_without_words_stay():
    assert random_swap("?!", "x", ["a"], "k") == "?!" and random_swap("Fine", "x", [], "k") == "Fine"
    assert random_swap("Fine", "x", ["fine"], "k") == "Fine", "a word is never replaced by itself and called a change"


def test_vocabulary_is_by_frequency_then_alphabet():
    assert vocabulary(["b a. A c", "c!"], 2) == ["a", "c"]
