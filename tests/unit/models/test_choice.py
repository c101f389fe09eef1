"""Choices of a teacher: written as they were stored, refused by name."""

from dataclasses import fields, replace

import pytest

from cod_core.counterfactuals.options import LlmOptions
from cod_core.errors import BadInput
from cod_core.models.choice import (
    KINDS,
    PLACES,
    BuiltinChoice,
    FinetunedChoice,
    FinetuneOptions,
    GenerativeChoice,
    LlmChoice,
    TransformersChoice,
    read_choice,
    stored_choice,
    usual_minutes,
)
from cod_core.text import short_hash

WORDS = {"kind", "id", "revision", "base_url", "model", "project_id", "task", "reads", "weights", "generator_revision"}
MAP = {"LABEL_0": "bad", "LABEL_1": "good"}
LLM = {"project_id": "p1", "task": "Good?", "descriptions": [], "id": "llm:m@host", "revision": "r", "reads": "votes"}
STORED = {
    "builtin": {"kind": "builtin", "name": "movies"},
    "builtin, mapped": {"kind": "builtin", "name": "movies", "label_map": MAP},
    "transformers": {"kind": "transformers", "name": "org/m", "label_map": MAP, "id": "transformers:org/m", "revision": "c0ffee"},
    "transformers by command": {"kind": "transformers", "name": "org/m", "label_map": None, "id": "m", "revision": "r"},
    "transformers without revision": {"kind": "transformers", "name": "/home/me/model", "id": "m"},
    "finetuned": {
        "kind": "finetuned",
        "path": "/t/x",
        "name": "Pain/No pain (2 texts)",
        "trained_on": ["a", "b"],
        "id": "finetuned:x",
        "revision": "r",
    },
    "endpoint": {"kind": "llm", "base_url": "http://127.0.0.1:9/v1", "model": "m", "samples": 5, "calibrate": False, **LLM},
    "endpoint by page": {
        "kind": "llm",
        "base_url": "http://h/v1",
        "model": "m",
        "max_in_flight": 4,
        "price_in": None,
        "price_out": 1,
        "calibrate": True,
        **LLM,
    },
    "local": {"kind": "llm", "local": "/models/tiny", "calibrate": False, **LLM, "weights": "w"},
    "earlier llm": {"kind": "llm", "base_url": "http://h/v1", "model": "m", "id": "llm:m", "revision": "1"},
    "generative": {
        "kind": "generative",
        "local": "some-model",
        "judge": {"kind": "transformers", "name": "org/j", "label_map": MAP, "id": "j", "revision": "r"},
        "max_tokens": 24,
        "samples": 1,
        "temperature": 0.0,
        "generator_revision": "g",
        "id": "some-model answers, judged by j",
        "revision": "r",
    },
}


@pytest.mark.parametrize("name", STORED)
def test_a_stored_choice_is_written_as_it_was_read(name):
    """Another key, or one fewer, is another row in every database and another line in every backup."""
    choice = read_choice(STORED[name])
    assert choice.to_json() == STORED[name] and type(choice) is KINDS[STORED[name]["kind"]]
    assert replace(choice, revision="new").to_json() == {**STORED[name], "revision": "new"}
    assert stored_choice({**STORED[name], "from a later version": 1}) == choice


def test_what_a_person_gives_becomes_what_is_stored():
    given = read_choice({"kind": "transformers", "name": "org/m", "label_map": None})
    assert given == TransformersChoice("org/m") and (given.kind, given.id, given.revision) == ("transformers", "", "")
    assert replace(given, id="i", revision="r").to_json() == {**STORED["transformers by command"], "id": "i"}
    llm = replace(LlmChoice(base_url="http://h/v1", model="m"), project_id="p", task="?", descriptions=())
    assert llm.to_json() == {"kind": "llm", "base_url": "http://h/v1", "model": "m", "project_id": "p", "task": "?", "descriptions": []}
    assert (llm.samples, llm.asks, BuiltinChoice("movies").asks) == (5, True, False)


def test_a_generative_choice_holds_its_judge_as_a_choice():
    judge = {"kind": "builtin", "name": "movies", "label_map": None}
    choice = read_choice({"kind": "generative", "judge": judge, "samples": 3, "max_tokens": 0})
    assert choice == GenerativeChoice(BuiltinChoice("movies"), 0.7, samples=3)
    made = {"kind": "generative", "judge": {"kind": "builtin", "name": "movies"}, "temperature": 0.7, "max_tokens": 24, "samples": 3}
    assert choice.to_json() == made
    assert read_choice({"kind": "generative", "judge": judge, "local": " tiny "}).to_json()["local"] == "tiny"


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({}, "Unknown kind of teacher: None"),
        ({"kind": "oracle", "name": "x"}, "Unknown kind of teacher: 'oracle'"),
        ({"kind": "builtin", "name": "movies", "api_key": "sk-1234567"}, "no setting 'api_key'"),
        ({"kind": "finetuned", "path": "/x", "samples": 3}, "no setting 'samples'"),
        ({"kind": "builtin"}, "needs 'name'"),
        ({"kind": "transformers", "name": None}, "needs 'name'"),
        ({"kind": "finetuned", "name": "x"}, "needs 'path'"),
        ({"kind": "llm", "model": "m", "base_url": ""}, "base_url"),
        ({"kind": "llm", "local": "m", "samples": "many"}, "'samples' must be a whole number"),
        ({"kind": "transformers", "name": "m", "label_map": ["bad"]}, "'label_map' must map"),
        ({"kind": "generative"}, "Choose what judges"),
        ({"kind": "generative", "judge": {"kind": "llm", "name": "x"}}, "Choose what judges the answers.*got 'llm'"),
        ({"kind": "generative", "judge": {"kind": "builtin", "name": "movies", "reads": "votes"}}, "no setting 'reads'"),
        ({"kind": "generative", "judge": {"kind": "finetuned", "name": "x", "label_map": None}}, "needs 'path'"),
    ],
)
def test_what_is_no_choice_is_refused_by_name(values, said):
    """A setting that is misspelt would be passed over in silence, and the teacher would be another one than was meant."""
    with pytest.raises(BadInput, match=said) as found:
        read_choice(values)
    assert "sk-1234567" not in str(found.value)


@pytest.mark.parametrize(
    ("numbers", "said"), [({"max_tokens": 0.5}, "1 to 256 tokens"), ({"samples": 3, "temperature": 0.0}, "temperature 0")]
)
def test_numbers_of_a_generative_choice_are_checked_when_it_is_chosen(numbers, said):
    choice = read_choice({"kind": "generative", "judge": STORED["builtin"], **numbers})
    with pytest.raises(BadInput, match=said):
        choice.check()


def test_stored_rows_without_a_teacher_hold_none():
    assert stored_choice(None) is None
    later = {**STORED["generative"], "judge": {**STORED["builtin"], "later": 1}}
    assert stored_choice(later).judge == BuiltinChoice("movies")
    with pytest.raises(BadInput, match="Unknown kind"):
        stored_choice({"kind": "from a later version"})


def test_the_label_order_and_the_map_are_part_of_a_revision():
    """These digits stand in the revision of every prediction on record."""
    assert FinetunedChoice("/x").labels_hash(("bad", "good")) == short_hash("bad", "good")[:6]
    mapped = TransformersChoice("m", MAP).labels_hash(("bad", "good"))
    assert mapped == short_hash("bad", "good", *sorted(MAP.items()))[:6] != FinetunedChoice("/x").labels_hash(("good", "bad"))


def test_calls_of_a_copied_project_are_counted_under_the_copy():
    choice = LlmChoice(base_url="http://h/v1", model="m", project_id="first")
    assert (choice.memory_key(), choice.memory_key("copy")) == ("memory:first:http://h/v1:m", "memory:copy:http://h/v1:m")
    assert LlmChoice(local="tiny").memory_key() == "memory:None:local:tiny"


def test_options_of_a_training_are_read_and_written():
    assert FinetuneOptions.of({"encoder": "", "epochs": 3}) == FinetuneOptions(None, 3)
    assert FinetuneOptions.of({}).to_json() == {} and FinetuneOptions("e", 2).to_json() == {"encoder": "e", "epochs": 2}
    with pytest.raises(BadInput, match="'epoch'"):
        FinetuneOptions.of({"epoch": 3})


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"epochs": 0}, "1 to 100"),
        ({"epochs": 101}, "got 101"),
        ({"minutes": 0.1}, "0.5 to 240"),
        ({"epochs": 2, "minutes": 3}, "not both"),
    ],
)
def test_a_training_out_of_range_is_refused_before_it_is_queued(values, said):
    """No rounds at all would keep an untrained teacher; minutes beside rounds would be passed over without a word."""
    with pytest.raises(BadInput, match=said):
        FinetuneOptions.of(values)
    assert FinetuneOptions.of({"minutes": "2.5"}).to_json() == {"minutes": 2.5}


def test_a_service_without_a_model_is_asked_for_one():
    """Nobody named gpt-4o-mini, and it judged. A project of then still opens with it."""
    with pytest.raises(BadInput, match="Give the name of the model"):
        read_choice({"kind": "llm", "base_url": "http://h/v1"})
    with pytest.raises(BadInput, match="Give the name of the model"):
        LlmOptions(base_url="http://h/v1").settings()
    assert stored_choice({"kind": "llm", "base_url": "http://h/v1", "id": "llm:x"}).model == "gpt-4o-mini"


@pytest.mark.parametrize("kind", KINDS)
def test_a_field_of_words_that_may_name_a_folder_is_known_as_one(kind):
    """A backup may bring no teacher of foreign files: a new field that names one would be read past that rule."""
    texts = {f.name for f in fields(KINDS[kind]) if str(f.type) in ("str", "str | None") or "Literal" in str(f.type)}
    assert texts and texts <= {*PLACES, *WORDS}


def test_a_training_may_take_longer_where_there_are_more_rows():
    """One bound for all stopped AG News at two thirds of a round, two points behind the rule before."""
    assert usual_minutes(100) == usual_minutes(2000) == 4.5 and usual_minutes(3000) == 6.75 and usual_minutes(100_000) == 9
