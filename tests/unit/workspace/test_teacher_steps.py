"""The named steps of choosing, training and trusting a teacher, each by itself: no model, no network."""

from collections import Counter
from dataclasses import replace

import pytest

from cod_core.commands.teacher import _choice, _judge
from cod_core.counterfactuals.options import LlmOptions
from cod_core.data.tables import Import
from cod_core.models.choice import BuiltinChoice, FinetunedChoice, GenerativeChoice, LlmChoice, TransformersChoice
from cod_core.models.teachers import BUILTIN
from cod_core.project.teacher.clients import options_of
from cod_core.project.teacher.loader import identity_of, weights_folder
from cod_core.project.teacher.teacher import training_texts
from cod_core.project.teacher.training import TrainingReport, WholeTraining
from cod_core.project.teacher.trust import all_trained_on, drawn, guessing
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
    assert list(TrainingReport(2, estimate=0.5, warning="few").to_json().items())[:5] == list(written.items())
    assert TrainingReport(2).how == ""


def test_what_a_training_took_is_said_with_its_numbers():
    """A training that was cut off looks like one that ended by itself."""
    report = TrainingReport(753, rounds=4.5, settled=True, seconds=41.0)
    assert report.how == "It went over the 753 texts 4.5 times in 41 seconds and had learnt by then."
    assert "still learning" in replace(report, settled=False).how
    assert replace(report, rounds=1.0, settled=None).how == "It went over the 753 texts once in 41 seconds."


def told(bounds, steps, refits=False, batches=4, seconds=None):
    """(done, total) as WholeTraining passes them on: a second passes a step. bounds: of each step of each fit."""
    heard, clock = [], iter(range(1, 10_000))
    whole = WholeTraining(lambda done, total, _: heard.append((done, total)), batches, refits, seconds, lambda: float(next(clock)))
    for most, upto in zip(bounds, steps):
        for step in range(1, upto + 1):
            whole(step, most if step < upto else upto, "training the teacher")
    return heard


@pytest.mark.parametrize("seconds", [None, 50.0])
def test_what_is_left_of_a_training_never_grows(seconds):
    """The bar began anew with the second fit, and the time left climbed from nothing to minutes."""
    heard = told((120, 40), (80, 40), refits=True, seconds=seconds)
    left = [total - done for done, total in heard]
    assert left == sorted(left, reverse=True) and left[-1] == 0
    assert heard[-1][0] == heard[-1][1] and len(heard) == 120


def test_a_training_that_will_be_cut_off_counts_what_fits_into_its_time():
    """600 steps of a second each are not what is left where the bound is one minute."""
    heard = told((600,), (60,), seconds=60.0)
    assert heard[10][1] == 600 and 55 <= heard[30][1] <= 70


def rows_of(labels, split="test"):
    return [Example(f"{split}{i}", f"Text {i}.", label, split) for i, label in enumerate(labels)]


def test_a_rare_label_is_judged_though_the_file_is_sorted_by_label():
    """The first 200 rows of a sorted file are of one label: its share was called the accuracy, and no other label was judged."""
    rows = rows_of(["a"] * 500 + ["b"] * 490 + ["c"] * 10)
    first, added = drawn(rows, 200, 40)
    of = Counter(e.label for e in first)
    assert len(first) == 200 and of["a"] > 70 and of["b"] > 70 and Counter(e.label for e in [*first, *added])["c"] == 10
    assert {e.label for e in added} == {"c"} and drawn(rows, 200, 40) == (first, added)


def test_rows_that_cost_money_are_asked_in_the_order_they_were_asked_in():
    rows = rows_of(["a"] * 300)
    assert drawn(rows, 200, 0) == (rows[:200], []) and drawn(rows, 300, 40) == (rows, [])


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
