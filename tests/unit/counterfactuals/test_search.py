"""Teacher-guided search, with a teacher that is a word list and sources that are handed their candidates."""

import numpy as np
import pytest

from cod_core.counterfactuals.moves import Move
from cod_core.counterfactuals.plain_edits import Deletions, Negations
from cod_core.counterfactuals.search import SearchGenerator, context_of, diverse, frozen_positions
from cod_core.counterfactuals.stages import measured_alone, rungs, spread
from cod_core.counterfactuals.trial import Flip, Judge, SearchSettings, Trial, edited_tokens
from cod_core.errors import CodError
from cod_core.text import edit_fraction
from cod_core.types import Example

LABELS = ("negative", "positive")
WEIGHTS = {
    "good": 2.0,
    "great": 2.0,
    "fine": 1.0,
    "enjoyable": 2.0,
    "bad": -2.0,
    "awful": -2.5,
    "boring": -2.0,
    "dull": -1.0,
    "not": -3.0,
    "gut": 2.0,
    "nicht": -3.0,
    "schlecht": -2.0,
    "langweilig": -2.0,
}
CHINESE = {"好": 2.0, "差": -2.0, "不": -3.0}


def words_of(text):
    return [w.strip(".,").lower() for w in text.split()]


def score(texts):
    """Log-probabilities of a bag-of-words teacher."""
    totals = np.array([sum(WEIGHTS.get(w, 0.0) for w in words_of(t)) + sum(CHINESE.get(c, 0.0) for c in t) + 0.1 for t in texts])
    logits = np.stack([-totals, totals], axis=1)
    return logits - np.log(np.exp(logits).sum(1, keepdims=True))


class Table:
    """A source that hands out the words it was given."""

    name, dear = "table", False

    def __init__(self, table, kind="replace"):
        self.table, self.kind, self.asked = table, kind, 0

    def moves(self, context, n):
        self.asked += 1
        return [
            Move(p, p + (self.kind == "replace"), w, self.kind, self.name)
            for p in context.places
            for w in self.table.get(context.word(p).lower(), ())[:n]
        ]


class Exact:
    """A `Sensitivity` that knows the truth, and counts how often it was asked."""

    def __init__(self):
        self.passes = 0

    def estimate(self, text, edits, aim):
        self.passes += 1
        base = margin(text, aim)
        return base, np.array([margin(text[:a] + new + text[b:], aim) - base for a, b, new in edits])


def margin(text, aim):
    row = score([text])[0]
    return float(row[aim] - np.delete(row, aim).max())


def generator(table, sensitivity=None, extra=(), frozen=(), **settings):
    sources = [Table(table), Negations(), Deletions(), *extra]
    return SearchGenerator(Judge(score, sensitivity), LABELS, sources, SearchSettings(**settings), frozen)


@pytest.fixture(params=[None, "gradient"])
def sensitivity(request):
    return Exact() if request.param else None


def test_offers_the_single_word_that_flips(sensitivity):
    found = generator({"great": ["awful", "fine"]}, sensitivity).propose(Example("e", "A great film."), "positive", "negative", 4)
    assert found[0].text == "An awful film."
    assert found[0].note.startswith("replaced “great” with “awful”")


def test_every_proposal_flips_the_teacher(sensitivity):
    """An offered text that does not flip would teach the student a wrong label."""
    table = {"good": ["bad"], "enjoyable": ["boring", "dull"]}
    for text in ("A good and enjoyable film.", "Enjoyable.", "It is good."):
        for cf in generator(table, sensitivity).propose(Example("e", text), "positive", "negative", 4):
            assert score([cf.text])[0].argmax() == 0, cf.text


def test_adds_edits_up_where_one_is_not_enough(sensitivity):
    found = generator({"good": ["dull"], "great": ["dull"]}, sensitivity, max_fraction=0.7).propose(
        Example("e", "good great story"), "positive", "negative", 2
    )
    assert found and found[0].text == "dull dull story"


def test_makes_many_edits_at_once_and_takes_back_those_not_needed(sensitivity):
    """Topics sit in many words: adding one at a time would never get there, keeping all would not be minimal."""
    text = "good good good good good good plot music cast story lights sound costume editing"
    table = {"good": ["dull"], "plot": ["fine"], "music": ["boring"]}
    found = generator(table, sensitivity, max_edits=2, max_fraction=0.5).propose(Example("e", text), "positive", "negative", 1)
    assert found and score([found[0].text])[0].argmax() == 0
    for word in ("dull", "boring"):
        back = found[0].text.replace(word, "good", 1)
        assert back == found[0].text or score([back])[0].argmax() == 1, "an edit was not needed"


def test_returns_nothing_where_nothing_flips(sensitivity):
    assert generator({"good": ["fine"]}, sensitivity).propose(Example("e", "good good good fine"), "positive", "negative", 3) == []


def test_function_words_and_empty_texts_are_left_alone():
    for text in ("the of and", "...", ""):
        assert generator({}).propose(Example("e", text), "positive", "negative", 3) == []


def test_takes_a_negation_out(sensitivity):
    found = generator({}, sensitivity).propose(Example("e", "This is not good."), "negative", "positive", 3)
    assert found[0].text == "This is good."


def test_puts_a_negation_in(sensitivity):
    found = generator({}, sensitivity).propose(Example("e", "This is good."), "positive", "negative", 3)
    assert "This is not good." in [cf.text for cf in found]


@pytest.mark.parametrize(
    "text,table,expected",
    [
        ("Das Essen ist gut.", {"gut": ["schlecht"]}, "Das Essen ist schlecht."),
        ("Das Essen ist gut.", {}, "Das Essen ist nicht gut."),
        ("Der Film ist an vielen Stellen gut.", {"gut": ["langweilig"]}, "Der Film ist an vielen Stellen langweilig."),
        ("这部电影好。", {"好": ["差"]}, "这部电影差。"),
        ("这部电影好。", {}, "这部电影不好。"),
    ],
)
def test_german_and_chinese_are_searched_by_their_own_rules(text, table, expected, sensitivity):
    """English articles, auxiliaries and blanks would break both."""
    found = generator(table, sensitivity, max_fraction=0.5).propose(Example("e", text), "positive", "negative", 4)
    assert found[0].text == expected


def test_frozen_words_stay(sensitivity):
    """The person marks what must not be touched: a drug's name, a party's name."""
    found = generator({"good": ["bad"], "great": ["awful"]}, sensitivity, frozen=["Good"]).propose(
        Example("e", "Good. A great, great film."), "positive", "negative", 4
    )
    assert all(cf.text.startswith("Good.") for cf in found)


def test_an_article_that_must_stay_keeps_the_word_after_it(sensitivity):
    """ "such a" was kept, and read "such an"."""
    found = generator({"great": ["awful", "bad"]}, sensitivity, frozen=["such a"]).propose(
        Example("e", "It is such a great film."), "positive", "negative", 4
    )
    assert found and all("such a " in cf.text for cf in found)


def test_never_more_than_the_budget_is_scored(sensitivity):
    """A budget that only counts is a bill that surprises."""
    seen = []
    one = SearchGenerator(
        Judge(lambda texts: (seen.extend(texts), score(texts))[1], sensitivity),
        LABELS,
        [Table({"good": ["fine"] * 1 + [f"w{i}" for i in range(60)]}), Deletions()],
        SearchSettings(budget=20),
    )
    one.propose(Example("e", "good good good good good"), "positive", "negative", 4)
    assert len(seen) <= 20 and one.texts_scored >= len(seen)


def test_a_dear_source_is_asked_only_when_the_cheap_ones_fail():
    """Each call to a language model costs seconds or money."""

    class Dear(Table):
        dear = True

    dear = Dear({"good": ["bad"]})
    generator({"good": ["awful"]}, extra=[dear]).propose(Example("e", "a good film"), "positive", "negative", 1)
    assert dear.asked == 0
    found = generator({}, extra=[dear], max_fraction=1.0).propose(Example("e", "good good"), "positive", "negative", 1)
    assert dear.asked == 1 or found


def test_candidates_of_a_dear_source_are_ranked_like_all_others(sensitivity):
    """Taken in the order they came, the first place's words would use up the batch."""

    class Dear(Table):
        dear = True

    dear = Dear({"plot": [f"w{i}" for i in range(60)], "good": ["bad"]})
    found = generator({}, sensitivity, extra=[dear], batches=(6, 6), max_fraction=0.5).propose(
        Example("e", "plot plot plot good"), "positive", "negative", 1
    )
    if sensitivity is not None:
        assert found and found[0].text == "plot plot plot bad"


def test_a_source_that_fails_is_named_and_the_rest_goes_on():
    class Broken(Table):
        name = "broken"

        def moves(self, context, n):
            raise CodError("no answer")

    one = generator({"good": ["bad"]}, extra=[Broken({})])
    assert one.propose(Example("e", "a good film"), "positive", "negative", 1)
    assert one.failures == ["broken: no answer"]


def test_three_classes_reach_the_class_aimed_at():
    """With two classes flipping is enough; with three the flip may land elsewhere."""
    names = ("low", "middle", "high")

    def three(texts):
        level = np.array([sum({"good": 2.0, "fine": 0.0, "bad": -2.0}.get(w, 0.0) for w in words_of(t)) for t in texts])
        logits = -np.abs(level[:, None] - np.array([-2.0, 0.0, 2.0]))
        return logits - np.log(np.exp(logits).sum(1, keepdims=True))

    one = SearchGenerator(Judge(three), names, [Table({"good": ["fine", "bad"]})])
    for target, text in (("middle", "a fine film"), ("low", "a bad film")):
        assert [cf.text for cf in one.propose(Example("e", "a good film"), "high", target, 4)] == [text]


def test_each_proposal_names_its_source_and_what_it_took():
    cf = generator({"great": ["awful"]}).propose(Example("e", "A great film."), "positive", "negative", 1)[0]
    assert "table" in cf.origin.name and cf.origin.revision == "search/6" and "texts scored" in cf.note


def test_fewest_edits_then_no_bare_deletion_then_the_clearest():
    word, other = Move(1, 2, "bad", "replace"), Move(2, 3, "awful", "replace")
    gone, long = Move(1, 2, "", "delete"), Move(1, 2, "really very bad", "replace")
    flips = [Flip((m,), value, edited_tokens((m,))) for m, value in ((gone, 9.0), (word, 1.0), (long, 8.0), (other, 2.0))]
    assert [f.moves[0] for f in diverse(flips, 4)] == [other, word, gone, long]


def test_spread_keeps_one_place_from_taking_the_whole_batch():
    moves = [Move(1, 2, f"w{i}", "replace") for i in range(30)] + [Move(5, 6, "x", "replace")]
    assert moves[-1] in spread(moves, 12)


def test_frozen_phrases_are_found_in_any_case():
    assert frozen_positions(["The", "Acme", "Corp", "said"], ["acme corp"]) == {1, 2}
    assert context_of("The Acme Corp said good things", "a", "b", frozen=["acme corp"]).places == (3, 4, 5)


def test_edits_stay_within_the_largest_fraction(sensitivity):
    text = "good good good good plot music cast story lights sound"
    for cf in generator({"good": ["bad"]}, sensitivity, max_fraction=0.2).propose(Example("e", text), "positive", "negative", 4):
        assert edit_fraction(text, cf.text) <= 0.2


def test_confidence_mode_offers_a_flip_near_the_boundary_first(sensitivity):
    """For probing the boundary: a weaker word at the same place, not the clearest one."""
    WEIGHTS.update(meh=-0.35, weak=-0.6)
    table = {"good": ["awful", "bad", "meh", "weak"]}
    clear = generator(table, sensitivity, batches=(1, 1)).propose(Example("e", "A good film."), "positive", "negative", 1)
    near = generator(table, sensitivity, batches=(1, 1), band=(0.5, 0.8)).propose(Example("e", "A good film."), "positive", "negative", 1)
    assert np.exp(score([clear[0].text])[0][0]) > 0.9 and 0.5 <= np.exp(score([near[0].text])[0][0]) <= 0.8


def test_more_edits_are_made_until_the_teacher_is_as_sure_as_wanted(sensitivity):
    text = "A good film with fine songs and an enjoyable cast."
    table = {"good": ["dull"], "fine": ["boring"], "enjoyable": ["awful"]}
    any_flip = generator(table, sensitivity, max_fraction=0.4).propose(Example("e", text), "positive", "negative", 1)[0]
    sure = generator(table, sensitivity, max_fraction=0.4, at_least=0.9999).propose(Example("e", text), "positive", "negative", 1)[0]
    p_any, p_sure = (np.exp(score([cf.text])[0][0]) for cf in (any_flip, sure))
    assert 0.5 < p_any < 0.9999 <= p_sure
    assert edit_fraction(text, any_flip.text) < edit_fraction(text, sure.text) <= 0.4


def test_where_no_flip_is_as_sure_as_wanted_the_surest_one_is_offered(sensitivity):
    table = {"good": ["meh", "weak"]}
    WEIGHTS.update(meh=-0.35, weak=-0.6)
    found = generator(table, sensitivity, at_least=0.999).propose(Example("e", "A good film."), "positive", "negative", 4)
    assert [cf.text for cf in found] == ["A weak film."]


def test_a_long_text_leaves_half_the_budget_for_candidates():
    """Without gradients each place was weighed by its deletion: a long prompt spent all its 20 answers on that."""
    seen = []

    def counted(texts):
        seen.extend(texts)
        return score(texts)

    words = [f"word{chr(97 + i)}" for i in range(26)]
    text = " ".join([*words, "good", *words])
    search = SearchGenerator(Judge(counted), LABELS, [Table({"good": ("bad", "awful")})], SearchSettings(budget=20))
    found = search.propose(Example("long", text, "positive"), "positive", "negative", 2)
    shorter = [t for t in seen if len(words_of(t)) < len(words_of(text))]
    assert len(shorter) == 10 and len(seen) <= 20 and found and all("good" not in words_of(cf.text) for cf in found)


# ---- a second judge


SECOND_WEIGHTS = {**WEIGHTS, "bad": 1.0}  # it takes "bad" for praise, and agrees about everything else


def second_score(texts):
    totals = np.array([sum(SECOND_WEIGHTS.get(w, 0.0) for w in words_of(t)) + 0.1 for t in texts])
    logits = np.stack([-totals, totals], axis=1)
    return logits - np.log(np.exp(logits).sum(1, keepdims=True))


def with_surrogate(table, sensitivity, asked=None, **settings):
    def counted(texts):
        if asked is not None:
            asked.extend(texts)
        return second_score(texts)

    return SearchGenerator(Judge(score, sensitivity), LABELS, [Table(table)], SearchSettings(**settings), surrogate=Judge(counted))


def test_a_second_judge_has_to_share_every_flip_that_is_offered(sensitivity):
    """Words that fool the teacher alone move nothing that a small student sees."""
    table = {"good": ["bad", "dull", "awful"], "fine": ["boring"]}
    for text in ("A good film.", "A good film with a fine plot and fine music."):
        found = with_surrogate(table, sensitivity, max_fraction=0.5).propose(Example("e", text), "positive", "negative", 4)
        assert found
        for cf in found:
            assert score([cf.text])[0].argmax() == 0 and second_score([cf.text])[0].argmax() == 0, cf.text
        assert all("second judge" in cf.origin.name for cf in found), "an export has to say how a text was made"
    assert with_surrogate({"good": ["bad"]}, sensitivity).propose(Example("e", "A good film."), "positive", "negative", 4) == []


def test_the_second_judge_is_asked_only_about_texts_that_flip_the_teacher(sensitivity):
    """It costs a pass through a model a text, as the teacher does."""
    asked = []
    with_surrogate({"good": ["fine", "great", "bad", "dull"]}, sensitivity, asked).propose(
        Example("e", "A good film."), "positive", "negative", 4
    )
    assert asked and all(score([t])[0].argmax() == 0 for t in asked)


def test_both_judges_have_to_be_as_sure_as_wanted(sensitivity):
    table = {"good": ["dull", "bad"], "fine": ["boring"], "enjoyable": ["awful"]}
    text = "A good film with fine songs and an enjoyable cast."
    found = with_surrogate(table, sensitivity, max_fraction=0.4, at_least=0.99).propose(Example("e", text), "positive", "negative", 1)
    assert min(np.exp(score([found[0].text])[0][0]), np.exp(second_score([found[0].text])[0][0])) >= 0.99


def test_edits_that_a_sure_flip_does_not_need_are_taken_back(sensitivity):
    text = "The good film with fine songs and the enjoyable cast, the good plot and the fine end."
    table = {"good": ["awful"], "fine": ["meh", "boring"], "enjoyable": ["awful"]}
    found = with_surrogate(table, sensitivity, max_fraction=0.5, at_least=0.9).propose(Example("e", text), "positive", "negative", 1)
    made, original = found[0].text.split(), text.split()
    changed = [i for i, (a, b) in enumerate(zip(original, made)) if a != b]
    for i in changed:
        back = " ".join(original[j] if j == i else w for j, w in enumerate(made))
        sure = min(np.exp(score([back])[0][0]), np.exp(second_score([back])[0][0]))
        assert sure < 0.9, f"{original[i]} -> {made[i]} was not needed"


def test_the_rungs_of_a_ladder_add_the_best_moves_that_can_stand_together():
    """Two words for one place had been made one on top of the other."""
    context = context_of("one two three four five six", "neg", "pos")
    trial = Trial(context, 1, SearchSettings(max_fraction=0.5, rungs=3), Judge(score))
    a, b, c, d = (Move(p, p + 1, new, "replace") for p, new in ((0, "x"), (0, "y"), (3, "z"), (5, "w")))
    for at, move in enumerate((a, b, c, d)):
        trial.margins[frozenset((move,))] = -float(at)
    assert rungs(trial, (), [(d,), (c,), (b,), (a,)]) == [(a,), (a, c), (a, c, d)]
    assert measured_alone(trial, [d, Move(1, 2, "", "delete"), a]) == [(d,), (a,)]
