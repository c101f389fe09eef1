"""Language models in a project: teacher, generator, repair, prompt study, memory; one server plays them all."""

import json
import math
import re
from dataclasses import replace

import pytest

from cod_core.counterfactuals.options import GenerateRequest, LlmOptions, SearchOptions, StudyRequest
from cod_core.errors import BadInput
from cod_core.models.choice import read_choice
from cod_core.models.fluency import WordPairFluency
from cod_core.project.models import Models
from cod_core.project.proposals.fluency import Fluency
from cod_core.store import items
from cod_core.text import short_hash
from cod_core.types import Example, Task
from cod_core.workspace import Workspace
from tests.fakes import Answer, Failure, FakeOpenAI
from tests.tiny_llm import tiny_llm

pytestmark = pytest.mark.slow
LABELS = ("complaint", "praise")
TEXTS = [
    ("The lens is good and the case is good.", "praise"),
    ("The lens is bad and the case is bad.", "complaint"),
    ("The zoom is good and so is the menu.", "praise"),
    ("The zoom is bad and so is the menu.", "complaint"),
]
GOOD, BAD = re.compile(r"\bgood\b"), re.compile(r"\bbad\b")
UNREADABLE = "Lorem ipsum dolor sit amet."


def world(body: dict) -> Answer:
    """The teacher counts good and bad; the writer changes one word at a time, two where it is told that one was not
    enough; plain prompts get the text back unchanged."""
    messages = body["messages"]
    first = messages[1]["content"]
    text = re.search(r"=====TEXT \w+=====\n(.*?)\n=====TEXT", first, re.S).group(1)
    if "You classify texts" in messages[0]["content"]:
        if UNREADABLE in text:
            return Answer("I cannot say.", logprobs=[{"I": math.log(0.98), "The": math.log(0.02)}])
        p = 1 / (1 + math.exp(-2.0 * (len(GOOD.findall(text)) - len(BAD.findall(text)))))
        pair = {"praise": math.log(p), "complaint": math.log(1 - p)}
        best = max(pair, key=pair.get)
        return Answer(best, logprobs=[dict(sorted(pair.items(), key=lambda kv: -kv[1]))])
    count = 2 if len(messages) > 2 else 1
    old, new = ("good", "bad") if GOOD.search(text) else ("bad", "good")
    changed = text if "Change just enough of it" in first else re.sub(rf"\b{old}\b", new, text, count=count)
    return Answer(json.dumps({"decisive_words": [old], "counterfactual": changed}))


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    with FakeOpenAI(world) as server:
        w = Workspace(tmp_path_factory.mktemp("home"))
        pid = w.create_project("Cameras", Task("Is it praise?", LABELS))
        rows = [Example(short_hash(t), t, label) for t, label in TEXTS]
        items.add_examples(w.db, pid, [*rows, Example("u", UNREADABLE, "complaint")])
        w.project(pid).teacher.choose(
            read_choice({"kind": "llm", "base_url": server.base_url, "model": "world", "price_in": 1.0, "price_out": 1.0})
        )
        yield w, pid, server, GenerateRequest(4, 1, "llm", llm=LlmOptions(server.base_url, "world"))


def test_a_text_that_the_model_cannot_judge_is_surfaced_and_left_out(made):
    """A uniform guess would otherwise count as the first label, as an accuracy and as half of a flip."""
    w, pid, _, _ = made
    report = w.project(pid).trust.report()
    assert (report.unanswered, report.n, report.accuracy) == (1, 4, 1.0) and report.covered < 1
    assert w.project(pid).teacher.classifier().covered([UNREADABLE, TEXTS[0][0], "never asked"]) == [0.0, pytest.approx(1.0), None]
    assert UNREADABLE not in [e.text for e in w.project(pid).draws.candidates(8)]


def test_repair_tells_the_model_what_the_teacher_said(made):
    """Two texts need two words; the first try changes one, and the teacher is then undecided."""
    w, pid, server, request = made
    plain = w.project(pid).proposals.generate(request)
    assert (plain.texts, plain.flipped, plain.repaired) == (4, 2, 0)
    planned = w.project(pid).llm.plan(replace(request, repair=1))
    assert planned.calls == 0 and "up to 4 calls more" in planned.notes[-1], "the page said that nothing would be sent"
    assert "about 2 at the rate seen so far" in planned.notes[-1], "two of four were done with after the first round"
    repaired = w.project(pid).proposals.generate(replace(request, repair=1))
    assert (repaired.flipped, repaired.repaired) == (4, 2)
    told = [r["messages"] for r in server.requests if len(r["messages"]) == 4]
    assert len(told) == 2 and all("classifier read your text" in m[3]["content"] for m in told)
    calls = server.calls
    assert w.project(pid).proposals.generate(replace(request, repair=1)).flipped == 4 and server.calls == calls


def test_a_counterfactual_costs_what_all_tries_took(made):
    """The reply that was kept was counted, and not those that came to nothing."""
    w, _, server, request = made
    pid = w.create_project("Cameras, priced", Task("Is it praise?", LABELS))
    items.add_examples(w.db, pid, [Example(short_hash(t), t, label) for t, label in TEXTS])
    w.project(pid).teacher.choose(read_choice(w.project(made[1]).row.teacher))
    priced = replace(request, llm=replace(request.llm, price_in=1.0, price_out=1.0, temperature=0.9))
    calls = server.calls
    assert w.project(pid).proposals.generate(priced).flipped == 2 and w.project(pid).curation.accept_unattended() == 2
    prices = [cf.origin.cost_usd for cf in w.project(pid).pairs.snapshot().counterfactuals.values()]
    assert server.calls - calls >= 4 == len(prices) and w.project(pid).costs.price_of_a_pair() == pytest.approx(sum(prices) / 2)


def test_the_prompt_study_compares_prompts_and_the_best_is_used(made):
    w, pid, server, request = made
    steps = []
    study = w.project(pid).prompts.study(StudyRequest(4, 1, request.llm, ("just_enough", "base")), lambda *s: steps.append(s))
    rows = {row.template: row for row in study.rows}
    assert rows["just_enough"].flipped == 0 and rows["just_enough"].lost == {"unchanged": 4}
    assert rows["base"].flipped == 0.5 and study.best == "base" and study.texts == 4
    assert w.project(pid).prompts.latest() == study and steps[-1][0] == steps[-1][1] == 8
    assert w.project(pid).llm.prompt_in_use(request) == "decisive_words"
    w.project(pid).llm.use_prompt("world", "base")
    calls = server.calls
    assert w.project(pid).llm.prompt_in_use(request) == "base" and w.project(pid).llm.plan(request).calls == 0
    assert w.project(pid).proposals.generate(request).flipped == 2 and server.calls == calls, "the study's replies are used again"
    with pytest.raises(BadInput):
        w.project(pid).llm.use_prompt("world", "nope")


def test_try_again_keeps_a_phrase_and_asks_for_the_next_sample(made):
    w, pid, server, request = made
    w.project(pid).proposals.generate(request)
    example = next(e for e in w.project(pid).draws.candidates(4) if "lens is good" in e.text)
    calls = server.calls
    out = w.project(pid).llm.again(example.id, keep=("the case is good",), n=1)
    sent = server.requests[calls]["messages"]
    assert 'exactly as it is: "the case is good"' in sent[-1]["content"] and len(sent) == 4
    assert out.added in (0, 1) and server.requests[calls]["seed"] >= 100
    with pytest.raises(BadInput, match="does not occur"):
        w.project(pid).llm.again(example.id, keep=("not in it",))


def test_the_memory_says_its_size_hits_and_cost(made):
    w, pid, _, _ = made
    w.project(pid).teacher.classifier().predict([t for t, _ in TEXTS])
    before = w.project(pid).teacher.soft_label_memory()
    w.project(pid).teacher.classifier().predict([t for t, _ in TEXTS])
    after = w.project(pid).teacher.soft_label_memory()
    assert after.hits - before.hits == 4 and after.asked == before.asked and after.calls == before.calls
    assert after.size >= 5 and after.cost_usd > 0 and 0 < after.hit_rate < 1 and after.reads == "logprobs"


def test_calibrated_soft_labels_belong_to_another_revision(made):
    w, pid, server, _ = made
    other = w.create_project("Calibrated", Task("Is it praise?", LABELS))
    items.add_examples(w.db, other, [Example("a", TEXTS[0][0], "praise")])
    w.project(other).teacher.choose(read_choice({"kind": "llm", "base_url": server.base_url, "model": "world", "calibrate": True}))
    assert w.project(other).teacher.classifier().revision != w.project(pid).teacher.classifier().revision
    assert w.project(other).teacher.classifier().predict([TEXTS[0][0]])[0].label == "praise"


def test_a_teacher_without_logprobs_is_known_to_give_hard_labels(made):
    w, _, _, _ = made
    with FakeOpenAI("praise", logprobs=False) as server:
        pid = w.create_project("Votes", Task("Is it praise?", LABELS))
        w.project(pid).teacher.choose(read_choice({"kind": "llm", "base_url": server.base_url, "model": "voter", "samples": 3}))
        assert w.project(pid).teacher.classifier().predict(["Fine."])[0].label == "praise"
        assert w.project(pid).teacher.soft_label_memory().reads == "votes" and w.project(pid).teacher.soft_label_memory().cost_usd is None


def test_a_model_on_this_computer_proposes_and_teaches(made, tmp_path):
    """No endpoint, no key: the same verbs."""
    w, pid, _, request = made
    folder = str(tiny_llm(tmp_path / "tiny"))
    local = replace(request, llm=LlmOptions(local=folder, temperature=1.0), template="continue_pairs")
    plan = w.project(pid).llm.plan(local)
    assert (plan.host, plan.cost_usd, plan.calls) == ("this computer", 0.0, 4)
    out = w.project(pid).proposals.generate(local)
    assert out.texts == 4 and out.tried == 4 and not out.failures and w.project(pid).llm.plan(local).calls == 0
    assert w.project(pid).endpoints.last_llm() == LlmOptions(local=folder, temperature=1.0)
    other = w.create_project("Local", Task("film", ("good", "bad")))
    w.project(other).teacher.choose(read_choice({"kind": "llm", "local": folder}))
    assert sum(w.project(other).teacher.classifier().predict(["the film is good ."])[0].probs) == pytest.approx(1)
    assert w.project(other).teacher.soft_label_memory().cost_usd == 0.0


def test_fluency_is_measured_once_and_named(made, monkeypatch):
    w, pid, _, _ = made
    monkeypatch.setattr(Models, "local_llm_name", lambda self: None)
    judge = w.project(pid).fluency.judge()
    assert isinstance(judge, WordPairFluency) and "no language model" in judge.name
    pairs = [(TEXTS[0][0], "The lens is bad and the case is good."), (TEXTS[0][0], "Good case lens is the is the and good.")]
    assert w.project(pid).fluency.ratios(pairs, measure=False) == [None, None]
    near, shuffled = w.project(pid).fluency.ratios(pairs)
    assert near < shuffled and w.project(pid).fluency.ratios(pairs, measure=False) == [near, shuffled]


def test_measured_fluency_reaches_the_quality_card_and_the_export(made, monkeypatch):
    w, pid, _, request = made
    w.project(pid).proposals.generate(request)

    class Judge:
        name = "tiny, mean NLL a token"

        def __call__(self, texts):
            return [2.0 + 0.5 * ("bad" in t) for t in texts]

    monkeypatch.setattr(Models, "local_llm_name", lambda self: "tiny")
    monkeypatch.setattr(Fluency, "judge", lambda self: Judge())
    assert w.project(pid).quality.card().total.fluency is None, "what was not read has no number"
    steps = []
    assert w.project(pid).fluency.measure(lambda *s: steps.append(s)).read > 0 and steps[-1][0] == steps[-1][1]
    card = w.project(pid).quality.card()
    assert card.fluency_judge == Judge.name and card.total.fluency is not None
    assert w.project(pid).curation.accept_unattended() > 0
    lines = [json.loads(line) for line in w.project(pid).exports.jsonl().decode().splitlines()]
    assert {line["metrics"]["fluency_ratio"] for line in lines} <= {1.25, 0.8, 1.0} and lines


def test_sources_that_ask_a_language_model_are_used_by_name(made, monkeypatch):
    w, pid, server, request = made
    w.project(pid).proposals.generate(request)
    assert w.project(pid).searcher.llm_sources(()) == []
    assert [s.name for s in w.project(pid).searcher.llm_sources(["words of world", "deletion"])] == ["words of world"]
    monkeypatch.setattr(Models, "local_llm_name", lambda self: "tiny")
    assert [s.name for s in w.project(pid).searcher.llm_sources(["likely words of tiny"])] == ["likely words of tiny"]


def test_a_text_whose_source_gave_no_answer_is_not_said_to_have_been_tried(made):
    """A server that was down for a minute left texts without a flip for good."""
    w, pid, server, request = made
    w.project(pid).proposals.generate(request)
    again = GenerateRequest(1, search=SearchOptions(sources=("words of world",)))
    server.failures[:], before = [Failure(401)], w.project(pid).draws.failed()
    first = w.project(pid).proposals.generate(again)
    assert first.tried == 1 and "refused the key" in next(iter(first.failures.values())) and w.project(pid).draws.failed() == before
    second = w.project(pid).proposals.generate(again)
    assert (
        second.tried == 1
        and "no small edit" in next(iter(second.failures.values()))
        and len(w.project(pid).draws.failed()) == len(before) + 1
    )
    assert w.project(pid).proposals.generate(again).tried == 0
