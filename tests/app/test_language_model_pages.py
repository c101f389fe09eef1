"""Language models on screen: where texts go, which prompt works, what a teacher's memory holds and leaves open."""

import re

from conftest_app import LABELS, words

from cod_core.models.choice import read_choice
from cod_core.project.jobs import Jobs
from cod_core.project.models import Models
from cod_core.store import cache, items, projects
from cod_core.text import text_hash
from cod_core.types import Example

ROW = {
    "title": "t",
    "texts": 4,
    "replies": 8,
    "similarity": 0.9,
    "reply_flips": 0.5,
    "tokens_in": 100,
    "tokens_out": 20,
    "cost_usd": 0.001,
    "unanswered": 0,
}


def open_models(screen, pid, model="some-model"):
    test = screen("proposals", pid)
    next(g for g in test.button_group if g.key == "way").set_value("llm").run()
    next(t for t in test.text_input if t.label == "Model").set_value(model).run()
    assert not test.exception
    return test


def test_a_finished_prompt_study_is_shown_and_its_best_prompt_used(filled, screen, workspace):
    rows = [
        ROW | {"template": "base", "flipped": 0.75, "usable": 0.5, "edit_fraction": 0.2, "lost": {"empty": 1}},
        ROW | {"template": "just_enough", "flipped": 0.0, "usable": 0.0, "edit_fraction": None, "lost": {}},
    ]
    study = {"rows": rows, "best": "base", "model": "some-model", "host": "h", "texts": 4, "made_at": "now"}
    cache.put_reply(workspace.db, filled, f"study:{filled}", study)
    test = open_models(screen, filled)
    shown = next(d.value for d in test.dataframe if "by a small edit" in d.value.columns)
    assert list(shown["texts flipped"]) == ["75 %", "0 %"] and shown["lost answers"][0] == "1 empty"
    next(b for b in test.button if b.key == "use-best").click().run()
    assert workspace.project(filled).row.settings["prompts"] == {"some-model": "base"}


def test_the_study_of_another_model_is_not_shown(filled, screen, workspace):
    cache.put_reply(workspace.db, filled, f"study:{filled}", {"rows": [], "best": None, "model": "other", "texts": 4})
    test = open_models(screen, filled)
    assert not any(b.key == "use-best" for b in test.button) and any(b.key == "study" for b in test.button)


def test_a_model_on_this_computer_needs_no_address_and_no_key(filled, screen):
    test = screen("proposals", filled)
    next(g for g in test.button_group if g.key == "way").set_value("llm").run()
    next(g for g in test.button_group if g.key == "llm-where-proposals").set_value("On this computer").run()
    next(t for t in test.text_input if t.label.startswith("Model:")).set_value("some/folder").run()
    assert not test.exception and "this computer" in words(test)
    assert not any("Key" in t.label or "Address" in t.label for t in test.text_input)
    assert next(b for b in test.button if b.key == "generate").label.startswith("Write")


def test_a_batch_is_offered_where_the_service_takes_one(filled, screen, workspace, monkeypatch):
    """Prevents: a box that a service can only refuse; a run that was asked for as a batch and goes request by request."""
    started = []
    monkeypatch.setattr(Jobs, "start", lambda self, kind, request=None, key=None: started.append(request) or "0" * 16)
    test = open_models(screen, filled)
    service = next(s for s in test.selectbox if s.key == "llm-service-proposals")
    service.set_value("anthropic").run()
    next(t for t in test.text_input if t.label == "Model").set_value("some-model").run()
    assert not test.exception and not any(c.label.startswith("Send them together") for c in test.checkbox)
    next(s for s in test.selectbox if s.key == "llm-service-proposals").set_value("openai").run()
    prices = [n for n in test.number_input if n.label.startswith("Price of a million tokens")]
    prices[0].set_value(1000.0)
    prices[1].set_value(1000.0).run()
    full = price_shown(test)
    box = next(c for c in test.checkbox if c.label == "Send them together and wait up to a day, for half the price")
    box.check().run()
    assert not test.exception and any("Sent as a batch at half the price." in c.value for c in test.caption)
    assert full > 0 and abs(price_shown(test) - full / 2) <= 0.01
    next(b for b in test.button if b.key == "generate").click().run()
    assert started and started[0].batch and started[0].model_settings().price_in == 500


def price_shown(test) -> float:
    """The estimated cost on the screen, in USD."""
    return float(re.search(r"([\d.]+) USD", words(test))[1])


def test_texts_that_a_model_could_not_judge_are_said(filled, screen, workspace):
    """A uniform guess shown as a verdict would pass for an opinion."""
    spec = {
        "kind": "llm",
        "base_url": "http://127.0.0.1:9/v1",
        "model": "m",
        "id": "llm:m",
        "revision": "1",
        "reads": "votes",
        "price_in": 1.0,
        "price_out": 1.0,
    }
    projects.set_teacher(workspace.db, filled, spec)
    items.add_examples(workspace.db, filled, [Example("odd", "Lorem ipsum.", LABELS[0])])
    texts = [e.text for e in items.examples(workspace.db, filled)]
    teacher = workspace.project(filled).teacher.classifier()
    even, sure = (-0.6931, -0.6931), (-0.1054, -2.3026)
    known = {text_hash(t): even if t == "Lorem ipsum." else sure for t in texts}
    cache.put_predictions(workspace.db, teacher.id, teacher.revision, known)
    cache.count(workspace.db, filled, workspace.project(filled).loader.memory_key(read_choice(spec)), calls=7, cost_usd=0.5, priced=7)
    test = screen("teacher", filled)
    said = words(test)
    assert not test.exception and re.search(r"\b1 of \d+ texts got no answer that could be read", said)
    assert "votes of several answers" in said and "0.5000 USD" in said and "answers remembered" in said


def test_proposals_that_no_model_has_read_can_be_read(filled, screen, workspace, monkeypatch):
    """With a model installed and nothing read yet the card has no fluency: the button is the only way to get one."""
    started = []
    monkeypatch.setattr(Models, "local_llm_name", lambda self: "some-model")
    monkeypatch.setattr(Jobs, "start", lambda self, kind, params, **_: started.append(kind))
    test = screen("proposals", filled)
    next(t for t in test.toggle if t.key == "quality").set_value(True).run()
    assert any("not read yet" in c.value for c in test.caption)
    next(b for b in test.button if b.key == "fluency").click().run()
    assert not test.exception and started == ["fluency"]


def test_an_address_that_came_with_a_project_is_confirmed_on_the_page(filled, screen, workspace):
    """A restored project names its teacher's address: the texts would be sent there by opening the page."""
    spec = {"kind": "llm", "base_url": "http://127.0.0.1:9/v1", "model": "m", "id": "llm:m", "revision": "1"}
    projects.set_teacher(workspace.db, filled, spec)
    test = screen("teacher", filled)
    assert not test.exception and "nobody has confirmed" in words(test) and workspace.project(filled).endpoints.unconfirmed()
    next(b for b in test.button if b.key == "confirm-endpoint-0").click().run()
    assert not test.exception and workspace.project(filled).endpoints.unconfirmed() == []
    assert not any(b.key == "confirm-endpoint-0" for b in test.button)


def test_a_curator_cannot_confirm_an_address(filled, screen, workspace):
    spec = {"kind": "llm", "base_url": "http://127.0.0.1:9/v1", "model": "m", "id": "llm:m", "revision": "1"}
    projects.set_teacher(workspace.db, filled, spec)
    workspace.people.set_role("boss", "owner", "boss")
    test = screen("teacher", filled)
    next(b for b in test.button if b.key == "confirm-endpoint-0").click().run()
    assert workspace.project(filled).endpoints.unconfirmed() and "needs the role owner" in words(test)


def test_a_key_is_typed_for_one_address_and_sent_for_that_one(filled, screen, monkeypatch, workspace):
    """The field showed the first address' key while the person had changed the address beside it."""
    started = []
    monkeypatch.setattr(Jobs, "start", lambda self, kind, params, key=None: started.append(key))
    test = open_models(screen, filled)

    def field(start):
        return next(t for t in test.text_input if t.label.startswith(start))

    field("Key").set_value("sk-first").run()
    next(b for b in test.button if b.key == "study").click().run()
    field("Address").set_value("http://another.example/v1").run()
    assert field("Key").value == ""
    next(b for b in test.button if b.key == "study").click().run()
    assert not test.exception and started == ["sk-first", None]


def test_a_key_for_another_machine_over_plain_http_is_warned_of(filled, screen):
    """Everybody on the way could read the key and the texts, and nothing on the page said so."""
    test = screen("proposals", filled)
    next(g for g in test.button_group if g.key == "way").set_value("llm").run()
    address = next(t for t in test.text_input if t.label == "Address of the service")
    assert "can read the texts and the key" not in words(test)
    address.set_value("http://models.example:8000/v1").run()
    assert not test.exception and "can read the texts and the key" in words(test)
