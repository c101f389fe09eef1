"""A language model asked round after round, against a server that yields to the right feedback and to nothing else."""

import json
import re

import numpy as np
import pytest

from cod_core.counterfactuals.decisive import decisive, speaking
from cod_core.counterfactuals.llm import Ask, LLMGenerator
from cod_core.counterfactuals.llm_plan import plan, with_rounds
from cod_core.counterfactuals.round_rate import Rate, more_calls
from cod_core.counterfactuals.rounds import Try, fault_of, next_ask, stays
from cod_core.counterfactuals.targets import in_turn
from cod_core.counterfactuals.trial import Judge
from cod_core.models.chat import LLMClient, LLMSettings
from cod_core.project.proposals.llm_run import LlmRun
from cod_core.types import Counterfactual, Example, Origin, Prediction, Task
from tests.fakes import Answer, FakeOpenAI

LABELS = ("negative", "positive")
TASK = Task("Is it praise?", LABELS)
WEIGHTS = {"great": 2.0, "lovely": 1.5, "kind": 1.0, "awful": -2.0, "ugly": -1.5, "rude": -1.0}
OPPOSITE = {"great": "awful", "lovely": "ugly", "kind": "rude"}
TEXT = "A great room, a lovely view and kind people in Room 12."


def score(texts):
    total = np.array([0.5 + sum(WEIGHTS.get(w.strip(".,").lower(), 0.0) for w in text.split()) for text in texts])
    logits = np.stack([-total, total], axis=1)
    return logits - np.log(np.exp(logits).sum(1, keepdims=True))


class Teacher:
    def predict(self, texts):
        return [Prediction(LABELS, tuple(map(float, row))) for row in score(texts)]


def reply(text):
    return json.dumps({"decisive_words": [], "counterfactual": text})


def yields_to_feedback(body):
    """Changes "kind" at first; then only the first word that it is told still speaks, and only if told that "12" must stay."""
    messages = body["messages"]
    if len(messages) == 2:
        return reply(TEXT.replace("kind", "rude"))
    before, told = json.loads(messages[2]["content"])["counterfactual"], messages[3]["content"]
    named = re.search(r'still speak for "positive": "(\w+)"', told)
    if named is None or '"12"' not in told or "% sure" not in told:
        return reply(before + " Indeed.")
    return reply(before.replace(named[1], OPPOSITE[named[1]]))


def run(answers, rounds, texts=(TEXT,), judge=Judge(score), **settings):
    with FakeOpenAI(answers) as server:
        client = LLMClient(LLMSettings(server.base_url, "fake", n=1, price_in=1.0, price_out=1.0, **settings))
        added = []
        made = LlmRun(LLMGenerator(client, TASK), lambda pairs: added.extend(pairs) or 0, lambda *_: None, Teacher(), judge)
        asks = [Ask(Example(f"e{i}", text), "positive", "negative") for i, text in enumerate(texts)]
        at_first = made.run(asks, 1, rounds)
        return made, made.report(len(asks), at_first), server, added


def test_the_words_that_still_speak_bring_the_flip_and_then_nobody_is_asked_again():
    made, report, server, added = run(yields_to_feedback, 3)
    assert (report.flipped, report.repaired, report.rounds, report.good) == (1, 1, (1, 1), (0, 1))
    best = made.best()["e0"]
    assert best.good and best.cf.text == "A awful room, a lovely view and rude people in Room 12." and server.calls == 2 == len(added)
    told = server.requests[1]["messages"][3]["content"]
    assert '"great", "lovely"' in told and "A classifier read your text" in told


def test_without_the_right_feedback_it_never_yields_and_the_rounds_end():
    """A teacher that is paid for is not asked to weigh words, so this model hears no word: four rounds, no more."""
    made, report, server, _ = run(yields_to_feedback, 3, judge=None)
    assert (report.flipped, report.rounds, server.calls) == (0, (1, 1, 1, 1), 4)
    assert made.best()["e0"].cf.text == TEXT.replace("kind", "rude"), "the try that came nearest is kept"


def test_a_flip_that_reads_badly_goes_on_and_a_better_reading_is_kept():
    def stutters(body):
        if len(body["messages"]) == 2:
            return reply("A awful awful room, a ugly view and rude people in Room 12.")
        assert '"awful" stands there twice in a row' in body["messages"][3]["content"]
        return reply("An awful room, an ugly view and rude people in Room 12.")

    made, report, _, _ = run(stutters, 3)
    assert report.rounds == (1, 1) and report.repaired == 0, "it had flipped before"
    assert made.best()["e0"].cf.text.startswith("An awful room")


def test_a_reply_that_breaks_off_is_asked_for_anew_and_counted():
    """It was dropped, and the text with it."""
    answers = [
        Answer('{"decisive_words": ["great"], "counterf', finish_reason="length"),
        reply("An awful room, an ugly view, rude people in Room 12."),
    ]
    _, report, server, _ = run(answers, 3)
    assert (report.flipped, report.tried, report.rounds) == (1, 1, (1, 1)) and "broke off" in " ".join(report.messages)
    assert [len(r["messages"]) for r in server.requests] == [2, 2]


def test_each_round_asks_only_for_texts_that_are_not_done():
    easy = "A kind day."
    _, report, server, _ = run(lambda body: reply("A rude day.") if easy in str(body) else yields_to_feedback(body), 3, (easy, TEXT))
    assert (report.rounds, report.good, report.flipped) == ((2, 1), (1, 1), 2) and server.calls == 3


def test_the_best_try_ranks_reading_above_flipping_above_certainty():
    def one(text, p, fault=""):
        return Try(
            Counterfactual(text, "e", text, "positive", "negative", Origin("llm", "m")),
            Prediction(LABELS, (np.log(p), np.log(1 - p))),
            fault,
        )

    order = [one("nearest", 0.4), one("flips", 0.9, "its end is missing"), one("reads", 0.6)]
    assert max(order, key=lambda t: t.rank).cf.text == "reads" and min(order, key=lambda t: t.rank).cf.text == "nearest"
    ask = next_ask(Ask(Example("e", TEXT), "positive", "negative"), order[:1], 2, Judge(score))
    assert ask.first_sample == 1 and ask.last.text == "nearest", "the same try told twice would get the same reply from the record"


@pytest.mark.parametrize(
    "original,text,fault",
    [
        ("It is good.", "It is bad.", ""),
        ("It is good.", "Nothing like it was there at all today.", "more than was needed"),
        ("Dear [NAME], it is very good.", "Dear Sam, it is very bad.", "[NAME] is gone"),
        ("It is really good food.", "It is really really bad food.", "twice in a row"),
        ("That that is is.", "That that was was.", "twice in a row"),
        ("It is very good today.", "It is very bad today", "end is missing"),
    ],
)
def test_what_is_wrong_with_how_a_text_reads(original, text, fault):
    assert fault in fault_of(original, text) and bool(fault) == bool(fault_of(original, text))


def test_what_speaks_and_what_must_stay():
    assert [word for word, _ in speaking(Judge(score), TEXT, 1)] == ["great", "lovely", "kind"]
    assert decisive(Judge(score), [TEXT, "kind kind people"], [1, 1], most=2) == ["kind", "great"]
    assert stays("Pay £5 to @user at 10am", ["£5"], ("Pay",)) == ("Pay", "@user", "10am")


def test_classes_are_aimed_at_as_often_and_a_text_keeps_its_aim():
    aims = {("a", "old"): "b"}
    got = [in_turn(aims, "a", f"e{i}", ["b", "c", "d"]) for i in range(5)]
    assert got == ["c", "d", "b", "c", "d"] and in_turn(aims, "a", "e0", ["b", "c", "d"]) == "c"


def test_the_plan_counts_later_rounds_at_worst_and_at_the_rate_seen():
    asks = [Ask(Example(f"e{i}", TEXT), "positive", "negative") for i in range(10)]
    settings = LLMSettings("http://x.example/v1", "m", n=2, price_in=1.0, price_out=1.0)
    unknown = with_rounds(plan(TASK, asks, settings), asks, settings, 3, Rate())
    assert (unknown.calls, unknown.worst_calls, unknown.likely_calls) == (20, 50, None) and "30 calls more at worst." in unknown.notes[-1]
    seen = Rate((20, 10), (10, 5))  # half of them done with in each round
    assert more_calls(10, 3, seen) == (30, 9)  # 5 + 2.5 + 1.25
    known = with_rounds(plan(TASK, asks, settings), asks, settings, 3, seen)
    assert known.likely_calls == 29 and "about 9 at the rate seen so far" in known.notes[-1]
    assert known.cost_usd < known.likely_cost_usd < known.worst_cost_usd
    assert Rate().with_run((4, 2), (2, 1)).with_run((4,), (4,)) == Rate((8, 2), (6, 1))
