"""The LLM generator against a real HTTP server: proposals, plan, bounded calls, failures, cancel and resume."""

import csv
import json
import os
import threading
from pathlib import Path

import pytest

from cod_core.counterfactuals.llm import Ask, LLMClient, LLMGenerator, LLMSettings, propose_many
from cod_core.counterfactuals.llm_plan import plan
from cod_core.counterfactuals.prompts import render
from cod_core.errors import Cancelled
from cod_core.models.endpoint_errors import EndpointError
from cod_core.text import short_hash
from cod_core.types import Example, Generator, Task
from tests.fakes import Answer, Failure, FakeOpenAI

TASK = Task("What does the writer think?", ("negative", "positive"))


def example(text):
    return Example(short_hash(text), text, "positive")


GOOD = example("A good film.")
ASKS = [Ask(example(f"A good film, number {i}."), "positive", "negative") for i in range(8)]


def generator(server, store=None, max_retries=1, **settings):
    store = {} if store is None else store
    client = LLMClient(
        LLMSettings(**({"base_url": server.base_url, "model": "fake"} | settings)),
        "sk-test-123456",
        store.get,
        store.__setitem__,
        timeout=5.0,
        max_retries=max_retries,
    )
    return LLMGenerator(client, TASK)


def as_json(text):
    return json.dumps({"decisive_words": ["good"], "counterfactual": text})


def rewritten(body):
    """Answers the prompt's own text with good -> bad, as a JSON reply."""
    prompt = body["messages"][-1]["content"]
    return as_json(next(line for line in prompt.splitlines() if line.startswith("A good film")).replace("good", "bad"))


def test_proposals_carry_where_they_came_from():
    with FakeOpenAI([as_json("A bad film."), "Sure! Here is the text: A dull film."]) as server:
        one = generator(server, price_in=1.0, price_out=2.0)
        found = one.propose(GOOD, "positive", "negative", 2)
    assert isinstance(one, Generator) and [c.text for c in found] == ["A bad film.", "A dull film."]
    first = found[0]
    assert (first.example_id, first.source, first.target) == (GOOD.id, "positive", "negative")
    assert first.raw_reply == as_json("A bad film.") and found[1].origin.seed == 1
    assert (first.origin.kind, first.origin.prompt_id, first.origin.prompt_version) == ("llm", "decisive_words", "1")
    assert len(first.origin.prompt_sha256) == 64 and first.origin.cost_usd > 0 and first.origin.request_id
    assert "sk-test" not in repr(found)


def test_replies_without_a_text_are_counted_not_lost():
    """The published code dropped rows silently and trained on fewer than k."""
    replies = [
        as_json("A bad film."),
        as_json("A bad film."),
        Answer(""),
        Answer(None, refusal="No."),
        "A good film.",
        "I'm sorry, I cannot help with that request.",
        '{"oops": 1}',
        Answer('{"counterfactual": "A b', finish_reason="length"),
    ]
    with FakeOpenAI(replies) as server:
        result = generator(server).ask(Ask(GOOD, "positive", "negative"), len(replies))
    assert len(result.counterfactuals) == 1
    assert result.dropped == {"duplicate": 1, "empty": 1, "refusal": 2, "unchanged": 1, "not_parsed": 1, "cut_off": 1}


def test_try_again_asks_for_the_next_samples_and_keeps_a_phrase():
    store = {}
    with FakeOpenAI([as_json("A bad film."), as_json("A bad show."), as_json("A poor film.")]) as server:
        one = generator(server, store)
        assert one.propose(GOOD, "positive", "negative", 1)[0].text == "A bad film."
        assert one.propose(GOOD, "positive", "negative", 1)[0].text == "A bad film."
        again = one.ask(Ask(GOOD, "positive", "negative", 1, ("film",)), 2)
    assert server.calls == 3 and 'exactly as it is: "film"' in server.requests[-1]["messages"][1]["content"]
    assert [c.text for c in again.counterfactuals] == ["A poor film."] and again.dropped == {"kept_phrase_lost": 1}


def test_the_plan_tells_what_would_be_sent_and_makes_no_call():
    store = {}
    with FakeOpenAI(rewritten) as server:
        one = generator(server, store, n=3, price_in=1.0, price_out=2.0)
        before = plan(TASK, ASKS, one.client.settings, get_reply=store.get)
        assert server.calls == 0
        one.propose(ASKS[0].example, "positive", "negative", 2)
        after = plan(TASK, ASKS, one.client.settings, get_reply=store.get)
        sent = server.requests[0]["messages"]
    assert (before.calls, before.cached, after.calls, after.cached) == (24, 0, 22, 2)
    assert before.host == server.base_url.split("/")[2] and before.cost_usd > after.cost_usd > 0
    assert sent[0]["content"] in before.prompt and sent[1]["content"] in before.prompt
    assert 24 * 100 < before.tokens_in + before.tokens_out < 24 * 600


def test_the_plan_says_what_it_does_not_know():
    said = " ".join(plan(TASK, ASKS, LLMSettings(temperature=0, n=2)).notes)
    assert "No price" in said and "temperature 0" in said
    assert plan(TASK, [], LLMSettings()).calls == 0


def test_calls_in_flight_are_bounded_and_results_come_in_this_thread():
    threads = set()
    with FakeOpenAI(rewritten, delay=0.05) as server:
        seen, steps = [], []
        done = propose_many(
            generator(server, max_in_flight=3, n=1),
            ASKS,
            on_result=lambda ask, result: (seen.append(ask), threads.add(threading.current_thread())),
            progress=lambda *step: steps.append(step),
        )
    assert 1 < server.peak <= 3 and server.calls == 8
    assert sorted(a.example.text for a in seen) == [a.example.text for a in ASKS]
    assert threads == {threading.current_thread()}
    assert steps[-1][:2] == (8, 8) and done.proposed == 8 and not done.failed and done.sentences == ()


def test_one_failing_text_does_not_end_the_run_and_resume_asks_only_for_it():
    store = {}
    with FakeOpenAI(rewritten, failures=[None, Failure(500)]) as server:
        first = propose_many(generator(server, store, max_retries=0, max_in_flight=1, n=1), ASKS[:3])
        assert first.proposed == 2 and list(first.failed) == [ASKS[1].example.id]
        assert "1 text got no answer; resume" in first.sentences[0]
        second = propose_many(generator(server, store, max_retries=0, n=1), ASKS[:3])
    assert second.proposed == 3 and second.cached == 2 and server.calls == 4


@pytest.mark.parametrize("failure, calls", [(Failure(401), 1), (Failure(500), 5 + 8)])
def test_a_failure_that_lasts_ends_the_run(failure, calls):
    """A wrong key must not be tried once a text; a server that fails is asked once what it would take."""
    with FakeOpenAI(rewritten, failures=[failure] * 20) as server, pytest.raises(EndpointError):
        propose_many(generator(server, max_retries=0, max_in_flight=1, n=1), ASKS)
    assert server.calls == calls


def test_what_was_finished_before_a_lasting_failure_is_handed_over():
    seen = []
    with FakeOpenAI(rewritten, failures=[None, None, Failure(401)]) as server, pytest.raises(EndpointError):
        propose_many(generator(server, max_in_flight=1, n=1), ASKS, on_result=lambda ask, result: seen.append(ask))
    assert seen == ASKS[:2]


def test_cancel_is_heard_while_a_call_hangs():
    def progress(done, total, message):
        raise Cancelled("cancelled")

    with FakeOpenAI(failures=[Failure(hang=0.4)] * 2) as server, pytest.raises(Cancelled):
        propose_many(generator(server, max_retries=0, max_in_flight=1, n=1), ASKS, progress=progress, poll_s=0.02)
    assert server.calls <= 1


def test_recorded_gpt4o_replies_run_through_the_whole_path():
    """Real replies of a real LLM: every one becomes a proposal that points at its text."""
    folder = os.environ.get("COD_DATA")
    if not folder:
        pytest.skip("COD_DATA is not set: recorded GPT-4o replies are not at hand")
    task = Task("What is the news about?", ("the world", "sports", "business", "science/tech"))
    recorded, asks = {}, []
    with open(Path(folder) / "agnews" / "gpt4o_words_only.csv", encoding="utf-8", newline="") as file:
        for row in list(csv.DictReader(file))[:40]:
            target = "sports" if row["ground_truth"] != "sports" else "business"
            ask = Ask(example(row["original_text"]), row["ground_truth"], target)
            wrapped = row["noisy_cf"] if row["counterfactual_text"] == "null" else row["counterfactual_text"]
            recorded[render(task, ask.example.text, ask.source, target).user] = wrapped
            asks.append(ask)
    found = {}
    with FakeOpenAI(lambda body: recorded[body["messages"][1]["content"]]) as server:
        one = generator(server, n=1)
        one.task = task
        done = propose_many(one, asks, on_result=lambda ask, result: found.update({ask.example.id: result}))
    assert done.proposed == 40 and done.dropped == {} and server.calls == 40
    assert all(found[ask.example.id].counterfactuals[0].example_id == ask.example.id for ask in asks)


@pytest.fixture(scope="module")
def endpoint():
    if not os.environ.get("COD_DATA"):
        pytest.skip("COD_DATA is not set: recorded GPT-4o replies are not at hand")
    from benchmarks import llm_endpoint

    return llm_endpoint


@pytest.mark.slow
def test_eight_calls_in_flight_take_an_eighth_of_the_time(endpoint):
    """A lock held during a call would make them wait for one another. Within 1.2 of the ideal; where other work holds
    the processors, within 1.5 of what a bare HTTP client takes beside it. The best of five, since it comes and goes."""
    for _ in range(5):
        found = endpoint.run(80, 0.2, 8)
        assert found["peak"] == 8 and found["with_text"] == 80
        crowded = os.getloadavg()[0] > (os.cpu_count() or 1)
        good = found["ratio"] <= 1.2 or crowded and found["seconds"] <= 1.5 * endpoint.bare(80, 0.2, 8)
        if good:
            break
    assert good, found


@pytest.mark.slow
def test_with_a_tenth_of_failures_no_row_is_lost_and_no_reply_paid_twice(endpoint):
    """429, 500, garbage and replies cut off in the middle: each row ends verified or with a reason."""
    found = endpoint.run(80, 0.01, 8, failing=0.1, teacher=endpoint.CentroidTeacher(80))
    assert found["lost"] == 0 and found["asked_twice"] == 0
    assert found["verified"] == found["with_text"] and found["with_text"] + found["with_reason"] == 80
    assert found["with_reason"] == found["reasons"].get("cut_off", 0) > 0
    assert found["calls"] == 80 + 8, "each failed call is made once more, and nothing else is"


def test_a_structured_reply_is_asked_for_and_done_without_where_refused():
    """An endpoint that knows no schema would otherwise refuse every call."""
    with FakeOpenAI([as_json("A bad film."), as_json("A dull film.")], rejects=("response_format",)) as server:
        one = generator(server)
        assert [c.text for c in one.propose(GOOD, "positive", "negative", 2)] == ["A bad film.", "A dull film."]
        sent = ["response_format" in r for r in server.requests]
    assert sent == [True, False, False], "refused once, then left out"
    with FakeOpenAI(as_json("A bad film.")) as server:
        generator(server).propose(GOOD, "positive", "negative", 1)
        assert server.requests[0]["response_format"]["json_schema"]["strict"] is True


def test_replies_before_a_failure_are_in_the_cost():
    """Two of four were paid, the third failed, and the run was said to have cost nothing."""
    with FakeOpenAI(rewritten, failures=[None, None, Failure(500)]) as server:
        one = generator(server, max_retries=0, price_in=1.0, price_out=1.0, max_in_flight=1)
        first = propose_many(one, ASKS[:1], 4)
        rest = propose_many(one, ASKS[:1], 4)
    assert len(first.failed) == 1 and rest.cached == 2 and first.cost_usd == pytest.approx(rest.cost_usd) and first.cost_usd > 0
