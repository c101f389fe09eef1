"""Numbers and settings that mean nothing: refused with what would do, before anything runs."""

import pytest
from typer.testing import CliRunner

import cod_core.__main__  # noqa: F401  registers every command
from cod_core.commands.shell import app
from cod_core.counterfactuals.options import GenerateRequest, TightenRequest
from cod_core.distill.settings import StudentSettings, SweepPlan
from cod_core.errors import BadInput, ModelUnavailable
from cod_core.models.choice import BuiltinChoice
from cod_core.models.encoder import DEFAULT_ENCODER, Encoder
from cod_core.types import Task
from cod_core.workspace import Workspace


@pytest.fixture
def w(tmp_path, monkeypatch):
    """A workspace in a fresh data folder, which is the commands' too."""
    monkeypatch.setenv("COD_HOME", str(tmp_path))
    monkeypatch.delenv("COD_DATABASE_URL", raising=False)
    return Workspace(tmp_path)


@pytest.fixture
def pid(w):
    pid = w.create_project("Films", Task("Is it praise?", ("negative", "positive")))
    w.project(pid).teacher.choose(BuiltinChoice("movies"))
    return pid


@pytest.mark.parametrize(
    "command",
    [
        "generate {} --k -3",
        "generate {} --k 0",
        "generate {} --n -1",
        "generate {} --budget -5",
        "generate {} --repair -1",
        "prompts {} --local x --k 0",
        "prompts {} --local x --n 0",
        "demo --seeds -1",
        "distill {} --seeds 0",
        "sweep grid.json --workers 0",
        "moons --draws -1",
        "moons --k 0",
        "teacher {} answers:x --samples 0",
        "teacher {} answers:x --max-tokens 0",
        "import hub:sst2 --limit 0",
    ],
)
def test_a_number_below_the_least_is_wrong_use(w, command):
    done = CliRunner().invoke(app, command.format("nowhere").split())
    assert done.exit_code == 2 and "greater than or equal to" in done.output and "Traceback" not in done.output


@pytest.mark.parametrize("command", ["distill {} --shots a,b", "distill {} --layers x --student finetuned"])
def test_a_list_of_numbers_that_holds_words_is_wrong_use(w, command):
    done = CliRunner().invoke(app, command.format("nowhere").split())
    assert done.exit_code == 2 and "whole numbers" in done.output


@pytest.mark.parametrize("wrong", [{"k": 0}, {"k": -3}, {"k": 2, "n": 0}, {"k": 2, "n": -1}, {"k": 2, "budget": -5}])
def test_the_library_searches_nothing_for_fewer_than_one(w, pid, wrong):
    """-3 had run over the whole training set: no length ever equals it."""
    with pytest.raises(BadInput, match="1 or more"):
        w.project(pid).proposals.generate(GenerateRequest.of(wrong))


def test_a_generator_that_does_not_exist_is_refused_with_those_that_do(w, pid):
    with pytest.raises(BadInput, match="one of search, llm, not 'foo'"):
        w.project(pid).proposals.generate(GenerateRequest.of({"k": 2, "generator": "foo"}))


@pytest.mark.parametrize(
    "params, said",
    [
        ({"kappa": -3}, "kappa: only students that are trained step by step"),
        ({"student": "retrieval", "steps": 5}, "steps: only students"),
        ({"layers": [1, 3]}, "layers: only students"),
        ({"student": "finetuned", "hard_loss": "clamp", "kappa": -3}, "kappa lies between"),
        ({"temperature": "abc"}, "temperature must be a number, not 'abc'"),
        ({"temperature": True}, "must be a number"),
        ({"l2": float("nan")}, "must be a number"),
        ({"temperature": 0}, "more than 0"),
        ({"l2": -1}, "more than 0"),
        ({"student": "finetuned", "steps": 2.5}, "steps must be a whole number"),
        ({"student": "finetuned", "micro_batch": "abc"}, "micro_batch must be"),
        ({"micro_batch": -1}, "micro_batch is 0"),
        ({"student": "finetuned", "batch_size": 1}, "batch_size is 2"),
        ({"student": "finetuned", "steps": -1}, "steps is 0"),
        ({"student": "finetuned", "layers": "x"}, "list of whole numbers"),
        ({"student": "finetuned", "layers": [1, "x"]}, "layers must be a whole number"),
        ({"method": "foo"}, "no method called 'foo'"),
        ({"student": "retrieval", "method": "foo"}, "no method called 'foo'"),
    ],
)
def test_a_setting_that_no_such_student_has_is_refused(params, said):
    with pytest.raises(BadInput, match=said):
        StudentSettings.of(params)


def test_a_mode_is_checked_even_where_there_is_nothing_to_tighten(w, pid):
    with pytest.raises(BadInput, match="one of minimal, confidence, not 'foo'"):
        w.project(pid).tightening.tighten_all(TightenRequest.of({"mode": "foo"}))


@pytest.mark.slow
def test_a_layer_that_a_model_does_not_have_is_refused_with_those_it_has():
    with pytest.raises(ModelUnavailable, match="no layer 99. Choose from 0 to 5"):
        Encoder(DEFAULT_ENCODER, [99])
    with pytest.raises(ModelUnavailable, match="no layer 99. Choose from -7 to 6"):
        Encoder(DEFAULT_ENCODER + "@99").encode(["A film."])


def test_settings_are_checked_before_the_data_are(w, pid):
    """ "Accept more first" would send a person who mistyped a name to work that does not help."""
    for params, said in (
        ({"method": "foo"}, "method called"),
        ({"arms": ["foo"]}, "Unknown arms: foo. Choose from kd"),
        ({"seeds": 0}, "draws must be 1"),
        ({"student": "foo"}, "student called 'foo'"),
    ):
        with pytest.raises(BadInput, match=said):
            w.project(pid).students.distil(SweepPlan.of(params))
