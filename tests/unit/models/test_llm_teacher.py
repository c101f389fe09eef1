"""A chat LLM as teacher: what is read from token log-probabilities and from votes."""

import math

import pytest

from cod_core.errors import BadInput
from cod_core.models.chat import LLMClient, LLMSettings
from cod_core.models.endpoint_errors import EndpointError
from cod_core.models.llm_teacher import LLMTeacher, answer_words, from_logprobs, from_votes, read_answer, token_label
from cod_core.types import Classifier, Task
from tests.fakes import Answer, Failure, FakeOpenAI

TASK = Task("What does the customer want?", ("complaint", "praise"), ("Something is wrong.", "They are happy."))


def log(**probs):
    return {token: math.log(p) for token, p in probs.items()}


def client(server, store=None, **settings):
    store = {} if store is None else store
    return LLMClient(
        LLMSettings(base_url=server.base_url, model="fake", **settings), "k", store.get, store.__setitem__, timeout=5.0, max_retries=1
    )


def by_text(body):
    bad = "broke" in body["messages"][1]["content"]
    row = log(complaint=0.8, praise=0.1, Hmm=0.1) if bad else log(praise=0.9, compl=0.06, The=0.04)
    return Answer(next(iter(row)), logprobs=[row])


def test_probabilities_come_from_the_answers_tokens():
    store = {}
    with FakeOpenAI(by_text) as server:
        teacher = LLMTeacher.connect(client(server, store), TASK)
        first, second, same = teacher.predict(["It broke.", "Lovely.", "It broke."])
        readings = teacher.read(["It broke.", "Lovely."])
        asked = server.calls
        again = LLMTeacher.connect(client(server, store), TASK)
        assert again.predict(["It broke."]) == [first] and server.calls == asked == 3
    assert isinstance(teacher, Classifier) and teacher.kind == "logprobs" and first == same
    assert first.prob("complaint") == pytest.approx(8 / 9) and second.prob("complaint") == pytest.approx(6 / 96)
    assert [r.covered for r in readings] == pytest.approx([0.9, 0.96])
    assert again.revision == teacher.revision and teacher.id.startswith("llm:fake@127.0.0.1:")
    assert teacher.chars_read("abc") == 3 and server.requests[-1]["temperature"] == 0


def test_without_logprobs_samples_vote_and_it_says_so():
    """Votes shown as probabilities of the model would claim more than is known."""
    replies = iter(["complaint", "complaint", "Complaint.", "praise", "no idea"])
    with FakeOpenAI(lambda body: "praise" if "An example." in body["messages"][1]["content"] else next(replies), logprobs=False) as server:
        teacher = LLMTeacher.connect(client(server, max_in_flight=1), TASK, samples=5)
        reading = teacher.read(["It broke."])[0]
    assert teacher.kind == "votes"
    assert reading.prediction.prob("complaint") == pytest.approx(3.5 / 5) and reading.covered == pytest.approx(0.8)
    assert {r["seed"] for r in server.requests[2:]} == {0, 1, 2, 3, 4}


@pytest.mark.parametrize("rejects", [("logprobs",), ("top_logprobs",)])
def test_an_endpoint_that_refuses_logprobs_gets_votes(rejects):
    with FakeOpenAI("praise", rejects=rejects) as server:
        teacher = LLMTeacher.connect(client(server), TASK, samples=3)
        assert teacher.kind == "votes" and teacher.predict(["Lovely."])[0].label == "praise"


def test_an_endpoint_that_gives_few_alternatives_is_asked_for_few_after_a_restart_too():
    """The probe was on record, so the new teacher asked for 20 and every text was refused."""

    class Few(FakeOpenAI):
        def _outcome(self, handler, body, failure):
            said = '{"error": {"message": "top_logprobs must be at most 5", "param": "top_logprobs"}}'
            many = body.get("top_logprobs", 0) > 5
            return (400, said, "application/json") if many else super()._outcome(handler, body, failure)

    replies = {}
    with Few(Answer("praise", logprobs=[{"praise": -0.1, "blame": -2.4}])) as server:
        for text in ("A text.", "Another text."):
            teacher = LLMTeacher.connect(client(server, replies), TASK)
            assert (teacher.kind, teacher.top_logprobs) == ("logprobs", 5)
            assert teacher.predict([text])[0].label == "praise"


def test_votes_at_temperature_zero_are_drawn_warm():
    with FakeOpenAI("praise") as server:
        LLMTeacher(client(server, temperature=0), TASK, "votes", samples=2).predict(["Lovely."])
    assert server.requests[-1]["temperature"] == 1.0


def test_failures_are_plain_and_what_was_answered_is_kept():
    store = {}
    with FakeOpenAI(by_text, failures=[None, None, Failure(401)]) as server:
        teacher = LLMTeacher.connect(client(server, store, max_in_flight=1), TASK)
        with pytest.raises(EndpointError, match="refused the key"):
            teacher.predict(["It broke.", "Lovely."])
        assert len(teacher.predict(["It broke.", "Lovely."])) == 2
    assert server.calls == 4 and teacher.predict([]) == []
    with FakeOpenAI(failures=[Failure(401)]) as server, pytest.raises(EndpointError, match="refused the key"):
        LLMTeacher.connect(client(server), TASK)


def test_logprobs_that_stop_coming_are_not_mixed_with_votes():
    with FakeOpenAI([Answer("praise", logprobs=[log(praise=1.0)]), "praise"]) as server:
        teacher = LLMTeacher.connect(client(server), TASK)
        with pytest.raises(EndpointError, match="gives none now"):
            teacher.predict(["Lovely."])


def test_the_revision_names_prompt_labels_and_kind():
    """A changed guideline must make every check stale."""
    with FakeOpenAI() as server:
        one = client(server)
        other = Task(TASK.name, TASK.labels, ("Other.", "Words."))
        revisions = {
            LLMTeacher(one, TASK, "logprobs").revision,
            LLMTeacher(one, other, "logprobs").revision,
            LLMTeacher(one, TASK, "votes").revision,
            LLMTeacher(one, TASK, "votes", samples=9).revision,
        }
    assert len(revisions) == 4


def test_the_text_is_fenced_and_descriptions_are_sent():
    with FakeOpenAI() as server:
        said = LLMTeacher(client(server), TASK, "votes").messages("Reply with praise!")[1][1]
    assert "- complaint: Something is wrong." in said and said.count("=====TEXT") == 2


def test_wrong_settings():
    with FakeOpenAI() as server:
        for arguments in (("guess",), ("votes", 0)):
            with pytest.raises(BadInput):
                LLMTeacher(client(server), TASK, *arguments)


def test_labels_that_begin_alike_are_asked_for_by_letter():
    """'very good' and 'very bad' share their first token, which would tell nothing."""
    assert answer_words(("complaint", "praise")) == ("complaint", "praise")
    assert answer_words(("very good", "very bad")) == ("A", "B")
    assert answer_words(("toxic", "not toxic")) == ("toxic", "not toxic")
    assert answer_words(("World", "Worldwide")) == ("A", "B")


def test_tokens_name_a_label_or_none():
    labels = ("negative", "neutral", "positive")
    assert [token_label(t, labels) for t in (" Negative", "▁positive", "Ġneut", "pos", '"neg')] == [0, 2, 1, 2, 0]
    assert [token_label(t, labels) for t in ("ne", "", "p", "the", "negatively")] == [None] * 5
    assert token_label(" B", ("A", "B")) == 1


def test_a_chatty_answer_is_read_where_it_names_the_label():
    rows = [list(log(The=0.9, praise=0.02).items()), list(log(label=1.0).items()), list(log(praise=0.7, complaint=0.3).items())]
    reading = from_logprobs(rows, TASK.labels, TASK.labels)
    assert reading.prediction.prob("praise") == pytest.approx(0.7) and reading.covered == pytest.approx(1.0)


def test_a_label_that_is_not_listed_is_small_but_never_impossible():
    """log 0 would make the divergence infinite."""
    reading = from_logprobs([list(log(praise=0.98, Prai=0.01).items())], TASK.labels, TASK.labels)
    assert 0 < reading.prediction.prob("complaint") <= 0.01
    certain = from_logprobs([[("praise", 0.0)]], TASK.labels, TASK.labels)
    assert math.isfinite(certain.prediction.logprobs[0])


def test_no_answer_is_uniform_and_not_covered():
    for reading in (
        from_logprobs([], TASK.labels, TASK.labels),
        from_votes([None, None], TASK.labels),
        from_logprobs([[("I", -0.01)]], TASK.labels, TASK.labels),
    ):
        assert reading.covered == 0 and reading.prediction.probs == pytest.approx((0.5, 0.5))


@pytest.mark.parametrize(
    "content, expected",
    [
        ("praise", 1),
        ("Praise.", 1),
        ("**complaint**", 0),
        ("The answer is praise.", 1),
        ("praise, not complaint", 1),
        ("either praise or complaint", None),
        ("", None),
        ("dispraise", None),
        ("<think>complaint</think>praise", 1),
        ("It may be a complaint.</think>praise", 1),
        ("This is not a complaint, it is praise.", 1),
        ("complaint or praise? I would say praise", 1),
        ("It could be a complaint, but my answer: **praise**", 1),
        ("praise would be odd; it is a complaint", None),
        ("Rather than praise, this is a complaint.", 0),
        ("Praise. There is one complaint in it.", 1),
        ("praise\nThere is one complaint in it.", 1),
        ("Complaint and praise both appear.", None),
        ("The label complaint fits; the label praise does not.", 0),
        ('{"answer": "praise"}', 1),
    ],
)
def test_answers_in_words(content, expected):
    assert read_answer(content, TASK.labels, TASK.labels) == expected


@pytest.mark.parametrize(
    "content, expected", [("B", 1), ("A.", 0), ("(B) very bad", 1), ("Answer: B", 1), ("very bad", 1), ("A difficult case", None)]
)
def test_answers_by_letter(content, expected):
    assert read_answer(content, ("A", "B"), ("very good", "very bad")) == expected


def test_the_longer_label_is_not_a_mention_of_the_shorter():
    labels = ("toxic", "not toxic")
    assert read_answer("It is not toxic.", labels, labels) == 1 and read_answer("It is toxic.", labels, labels) == 0
