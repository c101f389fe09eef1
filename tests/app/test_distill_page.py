"""The Distil page with finished students: any text can be tried, and the small model is one button away."""

import numpy as np
import pytest
from conftest_app import EVIL, LABELS, words
from safetensors.numpy import save_file

from cod_core.figures.basics import ARM_STYLE
from cod_core.project.jobs import Jobs
from cod_core.project.students.preflight import Preflights
from cod_core.store import cache, runs
from cod_core.text import text_hash
from cod_core.types import ALL_ARMS, ARMS, FREE, MULTI_ARMS, RunConfig, RunResult
from ui.distill import students


@pytest.fixture
def distilled(filled, workspace):
    """A finished linear student whose head says the second label for every text."""
    w = workspace
    teacher = w.project(filled).teacher.classifier()
    config = RunConfig("kd", "cod", 8, 0, "linear", "all-MiniLM-L6-v2", teacher.id, teacher.revision, "d")
    folder = w.settings.folder("students", filled)
    save_file({"weight": np.zeros((2, 384), np.float32), "bias": np.array([0.0, 2.0], np.float32)}, folder / f"{config.run_id}.safetensors")
    runs.put_runs(
        w.db,
        filled,
        [RunResult(config, {}, {"accuracy": 0.7, "agreement": 0.8}, 0.1, energy_kwh=1e-6, path=f"{config.run_id}.safetensors")],
    )
    return filled


@pytest.fixture
def started(distilled, workspace, monkeypatch):
    """The parameters of every job that the page starts, with all that flips accepted; none is run."""
    workspace.project(distilled).curation.accept_unattended()
    found = []
    monkeypatch.setattr(Jobs, "start", lambda self, kind, request, key=None: found.append(request.to_json()))
    return found


def test_any_text_is_answered_by_teacher_and_student_with_hostile_text_escaped(distilled, screen, workspace):
    text = f"A text {EVIL}"
    teacher = workspace.project(distilled).teacher.classifier()
    cache.put_predictions(workspace.db, teacher.id, teacher.revision, {text_hash(text): (-3.0, -0.05)})
    cache.put_embeddings(workspace.db, workspace.models.encoder().id, {text_hash(text): np.eye(1, 384, dtype=np.float32)[0]})
    test = screen("distill", distilled)
    test.text_area(key=f"try-text-{distilled}").set_value(text)
    next(b for b in test.button if b.label == "Ask teacher and students").click().run()
    assert not test.exception
    said = words(test)
    assert "Teacher" in said and "half texts, half counterfactuals, 8 rows" in said and LABELS[1] in said
    assert "95 % sure" in said and "88 % sure" in said


def test_before_the_first_sweep_nothing_is_offered_that_cannot_be_done(filled, screen):
    test = screen("distill", filled)
    assert "Try any text" not in words(test) and not [b for b in test.button if b.key == "pack"]


def test_every_way_of_training_has_plain_words():
    """The fifth one, of three labels or more, was shown by its name in the code."""
    assert set(students.ARMS) == set(ALL_ARMS) and set(ARM_STYLE) >= set((*ARMS, FREE, *MULTI_ARMS))
    assert all("cod" not in words for words in students.ARMS.values())


def test_the_expected_time_goes_by_the_draws_and_rows_that_are_chosen(distilled, screen, workspace, monkeypatch):
    workspace.project(distilled).curation.accept_unattended()
    asked, own = [], Preflights.check
    monkeypatch.setattr(Preflights, "check", lambda self, *args: asked.append(args) or own(self, *args))
    test = screen("distill", distilled)
    next(g for g in test.button_group if g.key == "student").set_value("finetuned").run()
    before = words(test)
    next(n for n in test.number_input if n.key == "seeds-finetuned").set_value(40).run()
    assert not test.exception and words(test) != before
    assert [args[1] for args in asked] == [20, 10, 40]
    times = [own(workspace.project(distilled).preflight, "finetuned", 10, shots).seconds_estimate for shots in ([2], [2, 4], [2, 4, 8])]
    assert times == sorted(set(times)), "more numbers of rows take longer"


def test_a_model_that_is_not_there_is_refused_before_a_job_starts(distilled, screen, started):
    """A job that cannot succeed would be offered for resuming."""
    test = screen("distill", distilled)
    next(b for b in test.button if b.key == "technical-switch").click().run()
    next(g for g in test.button_group if g.key == "student").set_value("finetuned").run()
    next(t for t in test.text_input if t.label == "Model to start from").set_value("/no/such/folder").run()
    next(b for b in test.button if b.key == "distil").click().run()
    assert not test.exception and not started
    assert words(test).count("There is no model called") == 1
    next(t for t in test.toggle if t.key == "memory").set_value(True).run()
    assert words(test).count("There is no model called") == 1 and next(b for b in test.button if b.key == "distil").disabled


def test_any_of_the_texts_are_compared_for_the_quick_student_and_where_chosen_for_others(distilled, screen, started):
    """Prevents: minutes of training that nobody asked for, and a quick comparison without the draw that costs nothing."""

    def press(test):
        next(b for b in test.button if b.key == "distil").click().run()
        assert not test.exception
        return started[-1]["arms"], " ".join(c.value for c in test.caption)

    test = screen("distill", distilled)
    arms, said = press(test)
    assert FREE in arms and "5 ways are compared" in said and "your texts alone, any of them" in said
    assert not [t for t in test.toggle if t.key.startswith("free-")]
    next(g for g in test.button_group if g.key == "student").set_value("contrastive").run()
    arms, said = press(test)
    assert FREE not in arms and "4 ways are compared" in said
    next(t for t in test.toggle if t.key == "free-contrastive").set_value(True).run()
    arms, said = press(test)
    assert FREE in arms and "5 ways are compared" in said


def test_an_empty_text_is_answered_in_words(distilled, screen):
    test = screen("distill", distilled)
    next(b for b in test.button if b.label == "Ask teacher and students").click().run()
    assert not test.exception and "Type a text first." in words(test)


def test_the_strong_student_can_be_chosen_and_says_what_it_is(distilled, screen, workspace):
    workspace.project(distilled).curation.accept_unattended()
    test = screen("distill", distilled)
    next(g for g in test.button_group if g.key == "student").set_value("contrastive").run()
    assert not test.exception and "learns to tell each text from its counterfactual" in " ".join(c.value for c in test.caption)


def test_expert_settings_are_one_toggle_away_and_reach_the_job(distilled, screen, started):
    test = screen("distill", distilled)
    assert not [t for t in test.text_input if t.label == "Model to start from"]
    next(b for b in test.button if b.key == "technical-switch").click().run()
    next(t for t in test.text_input if t.label == "Model to start from").set_value("all-MiniLM-L6-v2@4,6").run()
    next(b for b in test.button if b.key == "distil").click().run()
    assert not test.exception
    assert started[0]["encoder"] == "all-MiniLM-L6-v2@4,6" and started[0]["soft_labels"] == "teacher"


def test_the_names_of_the_labels_help_where_they_are_asked_to(distilled, screen, started):
    test = screen("distill", distilled)
    next(b for b in test.button if b.key == "distil").click().run()
    next(t for t in test.toggle if t.key == "names").set_value(True).run()
    next(b for b in test.button if b.key == "distil").click().run()
    assert not test.exception
    assert "label_prior" not in started[0] and started[1]["label_prior"] == 1.5
    next(g for g in test.button_group if g.key == "student").set_value("contrastive").run()
    assert not [t for t in test.toggle if t.key == "names"], "only the linear student reads them"
