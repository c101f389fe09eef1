"""A teacher that answers, on screen: choosing it, labelling prompts by it, its answers beside the change."""

import pytest
from conftest_app import EVIL, LABELS, prediction, words

from cod_core.models.choice import read_choice
from cod_core.project.jobs import Jobs
from cod_core.project.teacher.answers import Answers
from cod_core.project.teacher.generation import answer_keys
from cod_core.project.teacher.teacher import Teacher
from cod_core.store import cache, items, projects
from cod_core.text import text_hash
from cod_core.types import Counterfactual, Example, FlipCheck, Origin, now

SPEC = {
    "kind": "generative",
    "local": "some-model",
    "max_tokens": 12,
    "samples": 1,
    "temperature": 0.0,
    "revision": "r",
    "generator_revision": "g",
    "judge": {"kind": "builtin", "name": "movies", "id": "builtin:movies", "revision": "j"},
    "id": "some-model answers, judged by movies",
}
CHOICE = read_choice(SPEC)
PROMPT, CHANGED, TYPED = "Tell me of the film.", "Tell me of the flop.", "Tell me of the floor."
SAID = {PROMPT: f"It is lovely. {EVIL}", CHANGED: "It is a bore."}


@pytest.fixture
def prompts(empty, workspace):
    """A project whose teacher answers: one prompt, one proposal, everything that is shown on record."""
    w, key = workspace, answer_keys(CHOICE)
    projects.set_teacher(w.db, empty, SPEC)
    items.add_examples(w.db, empty, [Example("p0", PROMPT, "positive")])
    cf = Counterfactual("c0", "p0", CHANGED, "positive", "negative", Origin("search", "search", "1"), created_at=now())
    items.add_counterfactuals(w.db, empty, [cf])
    teacher = w.project(empty).teacher.classifier()
    p = {PROMPT: 0.96, CHANGED: 0.05}
    items.add_checks(
        w.db,
        empty,
        [
            FlipCheck(
                "c0", teacher.id, teacher.revision, prediction(0.96), prediction(0.05), "negative", 1, 0.2, 3, 0.9, False, now(), 0.417
            )
        ],
    )
    cache.put_predictions(w.db, teacher.id, teacher.revision, {text_hash(t): prediction(v).logprobs for t, v in p.items()})
    cache.put_replies(w.db, empty, {key(t, 0): {"content": said} for t, said in SAID.items()})
    return empty


def press(test, label):
    next(b for b in test.button if b.label == label).click().run()


def test_the_card_shows_both_answers_beneath_the_change_and_how_far_they_moved(prompts, screen):
    """Without the answers nobody can see why one word turns the verdict around."""
    test = screen("curate", prompts)
    said = words(test)
    assert not test.exception and "It is a bore." in said and "It is lovely." in said
    assert "positive, 96 %" in said and "negative, 95 %" in said and "moved by 0.42" in said
    assert "<img" not in said and not any("It is lovely" in m.value for m in test.markdown), "an answer is never markup"


def test_an_edit_is_answered_when_asked_for_and_shown_at_once_where_it_was_before(prompts, screen, workspace):
    """A model that takes seconds would hold up every key stroke."""
    test = screen("curate", prompts)
    test.text_area(key="plain-p0/c0/0").set_value(TYPED).run()
    said = words(test)
    assert "the model has to answer it first" in said and "Not answered by this model yet" in said
    assert any(b.label == "Let the model answer" for b in test.button)
    teacher = workspace.project(prompts).teacher.classifier()
    cache.put_predictions(workspace.db, teacher.id, teacher.revision, {text_hash(TYPED): prediction(0.2).logprobs})
    cache.put_replies(workspace.db, prompts, {answer_keys(CHOICE)(TYPED, 0): {"content": "It is made of wood."}})
    said = words(test.run())
    assert "Teacher: 80 % sure this is negative" in said and "It is made of wood." in said


def test_a_teacher_of_another_kind_shows_no_answers(filled, screen):
    assert "The model's answer" not in words(screen("curate", filled))


def test_second_opinions_see_the_answers_too(prompts, screen, workspace):
    workspace.project(prompts).curation.decide("c0", "needs_review", "ann")
    test = screen("review", prompts, by="ben")
    next(g for g in test.button_group if g.key == "review-section").set_value("opinions").run()
    assert not test.exception and "It is a bore." in words(test)


def test_choosing_it_says_plainly_what_it_is_and_sends_both_parts(empty, screen, workspace, monkeypatch):
    sent = []
    monkeypatch.setattr(Teacher, "choose", lambda self, choice, **_: sent.append(choice.to_json()))
    test = screen("teacher", empty)
    next(g for g in test.button_group if g.key == "teacher-kind").set_value("generative").run()
    assert not test.exception and "Your texts are prompts. The model answers each" in words(test)
    judge = next(s for s in test.selectbox if s.label == "What judges the answers?")
    assert judge.options == ["Movie reviews, built in", "Product reviews, built in", "Tweets, built in", "A Hugging Face classifier"], (
        "only those with the project's labels"
    )
    next(t for t in test.text_input if t.label.startswith("Model that answers")).set_value("folder/of/model").run()
    press(test, "Use this teacher")
    assert sent == [
        {
            "kind": "generative",
            "local": "folder/of/model",
            "max_tokens": 24,
            "samples": 1,
            "temperature": 0.0,
            "judge": {"kind": "builtin", "name": "movies"},
        }
    ]


def test_any_classifier_can_judge_under_its_own_label_names(empty, screen, workspace, monkeypatch):
    sent = []
    monkeypatch.setattr(Teacher, "choose", lambda self, choice, **_: sent.append(choice.to_json()))
    test = screen("teacher", empty)
    next(g for g in test.button_group if g.key == "teacher-kind").set_value("generative").run()
    next(t for t in test.text_input if t.label.startswith("Model that answers")).set_value("m").run()
    test.selectbox[0].select_index(3).run()
    assert next(b for b in test.button if b.label == "Use this teacher").disabled, "no judge is named yet"
    test.text_input(key="judge-hub-name").set_value("org/judge").run()
    test.text_input(key="judge-map-1").set_value("LABEL_1").run()
    press(test, "Use this teacher")
    assert sent[0]["judge"] == {"kind": "transformers", "name": "org/judge", "label_map": {"LABEL_1": LABELS[1]}}


def test_the_teacher_page_shows_answers_and_lets_the_model_label_prompts(prompts, screen, workspace, monkeypatch):
    started = []
    monkeypatch.setattr(Jobs, "start", lambda self, kind, params, **_: started.append(kind))
    monkeypatch.setattr(Answers, "some", lambda self: [(items.examples(self.db, self.id)[0], ["It is lovely."], prediction(0.96))])
    items.add_examples(workspace.db, prompts, [Example("u0", "Tell me of the end.", None, "unlabelled")])
    test = screen("teacher", prompts)
    assert not test.exception and '<td>It is lovely.</td><td class="cod-value">positive, 96 %</td>' in words(test)
    assert "1 prompt has no label" in words(test)
    press(test, "Let the model answer them")
    assert started == ["label_prompts"]


def test_proposals_say_how_long_answers_take_and_ask_for_few(prompts, screen, workspace, monkeypatch):
    sent = []
    monkeypatch.setattr(Jobs, "start", lambda self, kind, request, **_: sent.append(request.to_json()))
    from cod_core.project.teacher.generation import pace_key

    cache.count(workspace.db, None, pace_key(CHOICE), answers=10, seconds=5.0)
    test = screen("proposals", prompts)
    told = " ".join(c.value for c in test.caption)
    assert not test.exception and "at most 48 answers a prompt" in told and "About 25 seconds at most" in told
    next(g for g in test.button_group if g.key == "search-effort-48").set_value(192).run()
    assert "at most 192 answers" in " ".join(c.value for c in test.caption)
    next(b for b in test.button if b.key == "generate").click().run()
    assert sent[0]["budget"] == 192 and sent[0]["generator"] == "search"


def test_prompts_without_labels_lead_to_the_teacher_page(prompts, screen, workspace):
    from sqlalchemy import update

    from cod_core.store import schema

    with workspace.db.begin() as c:
        c.execute(update(schema.examples).values(label=None, split="unlabelled"))
    test = screen("proposals", prompts)
    assert not test.exception and "Your prompts have no labels yet" in words(test)


def test_several_answers_are_numbered_and_escaped_and_silence_is_named():
    from ui.teacher import generative_teacher

    said = generative_teacher._spoken(["<b>yes</b>", " ", "no", "maybe"])
    assert said.startswith("1. &lt;b&gt;yes&lt;/b&gt;\n2. ") and "(nothing)" in said and "and 1 more" in said
    assert generative_teacher._judged(prediction(0.5)) == "nothing to judge"
