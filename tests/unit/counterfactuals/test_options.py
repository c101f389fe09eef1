import json

import pytest

from cod_core.counterfactuals.options import GenerateRequest, LlmOptions, SearchOptions, StudyRequest, TightenRequest
from cod_core.errors import BadInput
from cod_core.text import short_hash

CHAT = {"base_url": "http://127.0.0.1:1/v1", "model": "m", "temperature": 0.7, "max_in_flight": 4, "price_in": None, "price_out": None}
SEARCH = {
    "targets": "all",
    "frozen": ["Dr Smith"],
    "sources": ["negation"],
    "budget": 60,
    "second": True,
    "at_least": 0.95,
    "confidence": True,
}


@pytest.mark.parametrize(
    "read, wrong, known",
    [
        (SearchOptions.of, {"widht": 3}, "targets, sources"),
        (LlmOptions.of, {"adress": "x"}, "base_url, model, local"),
        (GenerateRequest.of, {"k": 2, "widht": 3}, "k, n, generator.*budget"),
        (StudyRequest.of, {"template": "base"}, "templates"),
        (TightenRequest.of, {"kind": "llm"}, "mode, sources"),
    ],
)
def test_a_name_that_no_option_has_is_refused_with_those_that_exist(read, wrong, known):
    """A slip of the pen in a parameter had been ignored, and the run took the default."""
    with pytest.raises(BadInput, match=f"no option '{list(wrong)[-1]}'.*{known}"):
        read(wrong)


def test_a_key_put_among_the_parameters_is_refused_without_being_shown():
    with pytest.raises(BadInput) as refused:
        GenerateRequest.of({"k": 2, "generator": "llm", "llm": CHAT | {"api_key": "sk-secret"}})
    assert "api_key" in str(refused.value) and "sk-secret" not in str(refused.value)


@pytest.mark.parametrize(
    "read, wrong, said",
    [
        (SearchOptions.of, {"budget": -5}, "1 or more"),
        (SearchOptions.of, {"at_least": 95}, "at_least must lie between 0 and 1; got 95"),
        (SearchOptions.of, {"max_fraction": -0.1}, "max_fraction must lie between"),
        (SearchOptions.of, {"frozen": "Dr Smith"}, "a list of texts"),
        (SearchOptions.of, {"second": "no"}, "true or false"),
        (SearchOptions.of, {"budget": "many"}, "a whole number"),
        (LlmOptions.of, {"temperature": 3}, "between 0 and 2; got 3"),
        (LlmOptions.of, {"max_in_flight": 0}, "between 1 and 64; got 0"),
        (GenerateRequest.of, {"k": 0}, "1 or more, not 0"),
        (GenerateRequest.of, {"k": 2, "n": -1}, "1 or more, not -1 and the usual"),
        (GenerateRequest.of, {"k": 2, "generator": "foo"}, "one of search, llm, not 'foo'"),
        (GenerateRequest.of, {"k": 2, "generator": "llm", "n": 51}, "n must lie between 1 and 50; got 51"),
        (GenerateRequest.of, {"k": 2, "generator": "llm", "repair": -1}, "repair must be 0 or more"),
        (StudyRequest.of, {"k": 0}, "1 or more"),
        (TightenRequest.of, {"mode": "foo"}, "one of minimal, confidence, not 'foo'"),
    ],
)
def test_values_without_a_meaning_are_refused_before_anything_is_asked(read, wrong, said):
    with pytest.raises(BadInput, match=said):
        read(wrong)


def test_what_is_absent_empty_or_none_is_the_default():
    """The command line hands over every option, empty ones too."""
    empty = {"targets": "in turn", "frozen": [], "sources": [], "budget": 0, "confidence": False, "at_least": 0.0, "second": False}
    assert SearchOptions.of(empty | {"encoder": ""}) == SearchOptions.of(None) == SearchOptions() and SearchOptions().to_json() == {}
    command = {"k": 16, "generator": "search", "n": 4, "template": "", "repair": 0, "llm": {"base_url": "", "model": ""}, **empty}
    assert GenerateRequest.of(command) == GenerateRequest(16)


@pytest.mark.parametrize(
    "of, params",
    [
        (GenerateRequest, {"k": 16, "generator": "search", "n": 4}),
        (GenerateRequest, {"k": 16, "generator": "search", "n": 4, **SEARCH}),
        (GenerateRequest, {"k": 8, "generator": "llm", "n": 2, "first_sample": 4, "llm": CHAT, "template": "base", "repair": 1}),
        (GenerateRequest, {"k": 8, "generator": "llm", "n": 4, "llm": {"local": "/models/a.gguf", "temperature": 0.7}, "template": "line"}),
        (StudyRequest, {"k": 8, "n": 2, "llm": CHAT, "templates": []}),
        (StudyRequest, {"k": 8, "n": 2, "llm": {"local": "tiny"}, "templates": ["base", "few_shot"]}),
        (TightenRequest, {}),
        (TightenRequest, {"mode": "confidence", "sources": ["llm"]}),
    ],
)
def test_queued_parameters_are_read_and_given_back(of, params):
    """A job queued by the version before has to run after an update."""
    queued = json.loads(json.dumps(params))
    read = of.of(queued)
    given = {k: v for k, v in params.items() if v != []}
    if "llm" in given:
        given["llm"] = {k: v for k, v in given["llm"].items() if v is not None}
    assert read.to_json() == given and of.of(json.loads(json.dumps(read.to_json()))) == read


@pytest.mark.parametrize("values", [{}, SEARCH, SEARCH | {"budget": 400}, {"budget": 48, "encoder": "other"}, {"max_fraction": 0.5}])
def test_a_searched_text_keeps_the_mark_it_had_when_options_were_a_mapping(values):
    """Another mark would search every text of every project again."""
    usual = {"targets": "in turn", "budget": 400}
    before = {k: v for k, v in values.items() if v and usual.get(k) != v and k != "targets"}
    now = SearchOptions.of(values).tried_as(400)
    assert now == before and short_hash(sorted(now.items())) == short_hash(sorted(before.items()))


def test_a_project_remembers_the_model_as_it_was_given():
    """Defaults are not written into it: they may change."""
    assert LlmOptions.of(CHAT).to_json() == {k: v for k, v in CHAT.items() if v is not None}
    assert LlmOptions.of({"local": "tiny", "temperature": ""}).to_json() == {"local": "tiny"}


def test_the_settings_of_the_client_follow_from_the_options():
    there, here = LlmOptions.of(CHAT | {"price_in": 1.0, "price_out": 0.0}).settings(2), LlmOptions(local="tiny").settings()
    assert (there.host, there.n, there.cost(1e6, 1)) == ("127.0.0.1:1", 2, 1.0)
    assert (here.model, here.temperature, here.n, here.host) == ("tiny", 0.7, 4, "this computer")
    for nothing in (LlmOptions(), LlmOptions(model="m"), LlmOptions(base_url=" ", model="m")):
        with pytest.raises(BadInput, match="Give the address"):
            nothing.settings()


def test_the_numbers_of_the_search_follow_from_the_options():
    plain, asked = SearchOptions().settings(48), SearchOptions(budget=60, confidence=True, max_fraction=0.5).clear().settings(48)
    assert (plain.budget, plain.band, plain.at_least, plain.max_fraction) == (48, None, 0.0, 0.35)
    assert (asked.budget, asked.band, asked.at_least, asked.max_fraction) == (60, (0.5, 0.8), 0.95, 0.5)


def test_one_prompt_of_a_study_is_a_run_of_its_own():
    study = StudyRequest.of({"k": 4, "n": 2, "llm": CHAT, "templates": ["base"]})
    assert study.with_template("base") == GenerateRequest(4, 2, "llm", llm=study.llm, template="base")
