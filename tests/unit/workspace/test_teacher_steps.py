"""The named steps of choosing, training and trusting a teacher, each by itself: no model, no network."""

import pytest

from cod_core.commands.teach import _choice, _judge
from cod_core.counterfactuals.options import LlmOptions
from cod_core.data.tables import Import
from cod_core.models.choice import BuiltinChoice, FinetunedChoice, GenerativeChoice, LlmChoice, TransformersChoice
from cod_core.models.teachers import BUILTIN
from cod_core.project.teacher.clients import options_of
from cod_core.project.teacher.loader import identity_of, weights_folder
from cod_core.project.teacher.teacher import training_texts
from cod_core.project.teacher.training import TrainingReport
from cod_core.project.teacher.trust import all_trained_on, guessing
from cod_core.project.texts.uploads import divided
from cod_core.store import items, projects
from cod_core.types import Example, Task
from cod_core.workspace import Workspace

LABELS = ("negative", "positive")


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.delenv("COD_DATABASE_URL", raising=False)
    w = Workspace(tmp_path)
    return w.project(w.create_project("Films", Task("Good?", LABELS)))


def test_the_row_of_a_chosen_teacher_is_what_it_was_before_there_were_types(project):
    """Another key or one fewer is another line in every backup."""
    project.teacher.choose(BuiltinChoice("movies"))
    assert project.row.teacher == {"kind": "builtin", "name": "movies"}
    assert project.teacher.choice() == BuiltinChoice("movies") and identity_of(project.row) == project.teacher.identity()


def test_the_model_used_last_is_read_past_keys_of_another_version(project):
    assert project.endpoints.last_llm() is None
    project.clients.remember(LlmOptions("http://h:1/v1", "m", temperature=0.0))
    assert project.row.settings["llm"] == {"base_url": "http://h:1/v1", "model": "m", "temperature": 0.0}
    project.place.update(llm={"local": "tiny", "of a later version": 1})
    assert project.endpoints.last_llm() == LlmOptions(local="tiny")


def test_a_run_asks_at_its_own_address_before_the_teachers(project):
    assert project.endpoints.address_of(None) is None and project.endpoints.unconfirmed() == []
    projects.set_teacher(project.place.db, project.id, LlmChoice(base_url="http://teacher/v1", model="m").to_json())
    assert project.endpoints.address_of(LlmOptions(local="tiny")) == "http://teacher/v1" == project.endpoints.unconfirmed()[0]
    assert project.endpoints.address_of(LlmOptions("http://own/v1", "m")) == "http://own/v1"


def test_a_teachers_model_is_asked_with_the_options_that_were_chosen_for_it():
    choice = LlmChoice(base_url="http://h/v1", model="m", temperature=0.0, price_in=1.0, samples=3, calibrate=True)
    assert options_of(choice) == LlmOptions("http://h/v1", "m", temperature=0.0, price_in=1.0)
    assert options_of(LlmChoice(local="tiny")) == LlmOptions(local="tiny")


def test_weights_are_looked_for_where_the_kind_of_teacher_has_them(tmp_path):
    assert weights_folder(BuiltinChoice("movies")) == BUILTIN / "movies"
    assert weights_folder(FinetunedChoice(str(tmp_path))) == weights_folder(TransformersChoice(str(tmp_path))) == tmp_path
    assert weights_folder(TransformersChoice("org/at-a-hub")) is weights_folder(LlmChoice(local=str(tmp_path))) is None


def test_a_finetuned_teacher_knows_the_texts_that_it_was_trained_on(project):
    saw = training_texts(project.row, FinetunedChoice("/t", trained_on=("a",)))
    assert saw(Example("a", "One.")) and not saw(Example("b", "Two.")) and not training_texts(project.row, None)(Example("a", "One."))


def test_texts_are_counted_and_held_apart_from_those_that_are_judged_on(project):
    rows = [Example("a", "One.", "positive"), Example("b", "Two.", "negative", "test"), Example("c", "Three.", None, "unlabelled")]
    items.add_examples(project.place.db, project.id, rows)
    counts = project.texts.counts()
    assert (counts.total, counts.labelled(), project.texts.judging()) == (3, 2, (1, 1))
    test, development, unlabelled = project.texts.eval_sets()
    assert (test.gold, development.texts, unlabelled.gold) == (("negative",), (), None)


def test_a_project_with_test_texts_takes_all_others_for_training():
    read = Import([Example("b", "Two.", "negative")], [], {"negative": 1}, rows=[2])
    kept = divided(read, [Example("a", "One.", "positive", "test")])
    assert kept.examples == read.examples and "test texts already" in kept.note


def test_the_report_of_a_training_is_written_as_the_job_always_kept_it():
    written = {"rows": 2, "accuracy": None, "measured_on": None, "estimate": 0.5, "warning": "few"}
    assert list(TrainingReport(2, estimate=0.5, warning="few").to_json().items()) == list(written.items())


def test_guessing_and_judging_by_heart_are_said():
    gold = ["a", "b"] * 50
    assert guessing(gold, gold) == "" and "no better than guessing" in guessing(gold, ["a"] * 100)
    row = Example("a", "One.", "a")
    assert "trained on all" in all_trained_on([row], []) and all_trained_on([row], [row]) == all_trained_on([], []) == ""


def test_the_words_of_the_command_become_a_choice():
    answers = {"judge": _judge("hf:org/j", {"LABEL_0": "bad"}), "max_tokens": 24, "samples": 1}
    assert _choice("builtin:movies", "", False, None, answers) == BuiltinChoice("movies")
    assert _choice("hf:org/m", "", False, None, answers).to_json() == {"kind": "transformers", "name": "org/m", "label_map": None}
    assert _choice("local:tiny", "", True, None, answers) == LlmChoice(local="tiny", calibrate=True)
    assert _choice("answers:tiny", "", False, None, answers) == GenerativeChoice(
        TransformersChoice("org/j", {"LABEL_0": "bad"}), 0.0, local="tiny"
    )
