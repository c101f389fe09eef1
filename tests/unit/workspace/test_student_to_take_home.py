"""The student to take home through the project's rooms: made of everything, measured once, the only one that leaves."""

import io
import json
import zipfile
from dataclasses import replace
from threading import Barrier, Thread, get_ident
from types import SimpleNamespace

import pytest

from benchmarks import product as benchmark
from cod_core.distill.take_home import TakeHome
from cod_core.errors import BadInput, NotEnoughData
from cod_core.models.student import HeadStudent
from cod_core.types import Task
from cod_core.workspace import Workspace
from tests.unit.workspace.small_world import World


@pytest.fixture
def world(tmp_path, monkeypatch):
    monkeypatch.setenv("COD_HOME", str(tmp_path))
    monkeypatch.delenv("COD_DATABASE_URL", raising=False)
    world = World(Workspace(tmp_path), train=24, test=40)
    world.add_texts("validation", 20)
    world.add_texts("unlabelled", 30)
    world.keep(world.ids[:8])
    return world


def test_it_learns_from_everything_and_says_what_each_part_brought(world):
    project = world.w.project(world.pid)
    assert [(i.name, i.rows) for i in project.product.ready()] == [("texts", 24), ("pairs", 8), ("override", 0), ("unlabelled", 30)]
    project.product.make()
    made = project.product.latest()
    assert made.trained_on == "24 labelled texts, 8 accepted counterfactuals, 30 texts without a label, labelled by the teacher"
    assert made.n_dev == 20 and made.test["n_gold"] == 40 and not made.stale
    assert all(0 <= one.dev <= 1 for one in made.ingredients if one.rows)
    run = project.product.run()
    assert run.config.shots == 62 and run.config.run_id == made.run_id and run.path


def test_what_the_benchmark_solves_by_itself_is_the_verbs_student(world):
    """Prevents: figures of ingredients (benchmarks/product.py) that are of another student than the one that leaves."""
    project = world.w.project(world.pid)
    world.keep_against_the_teacher(world.ids[9], "negative")
    there = project.product.learnt_from()
    assert [(name, len(rows)) for name, rows in there.rows.items()] == [(i.name, i.rows) for i in project.product.ready()]
    project.product.make()
    dev, made = project.texts.examples("validation"), project.product.latest()
    by_name = {one.name: one.dev for one in made.ingredients}
    assert {name: round(share, 4) for name, share in by_name.items()} == {
        name: benchmark.right(project, there, there.upto(name), dev) for name in by_name
    }


def test_the_quick_one_is_read_after_two_layers_and_the_comparison_is_as_it_was(world):
    """What ten tasks say of a student of everything is no reason to move the tables of the comparison."""
    project = world.w.project(world.pid)
    world.sweep(8, 1)
    project.product.make()
    compared, made = project.results.latest().runs[0].config, project.product.run().config
    assert (compared.encoder, compared.l2) == ("all-MiniLM-L6-v2", 2.0)
    assert (made.encoder, made.l2) == ("all-MiniLM-L6-v2@4,6", 0.5) and made.encoder_revision == compared.encoder_revision
    text = "a fine film"
    assert not project.product.made_otherwise(project.product.latest())
    earlier = next(run for run in project.store.present() if run.config.arm != "product").config.run_id
    assert project.product.made_otherwise(replace(project.product.latest(), run_id=earlier)), "as the version before made it"
    assert project.store.load(made.run_id).logprobs([text]).shape == (1, 2)


def test_its_card_states_what_it_was_trained_on_and_its_figures_once(world):
    project = world.w.project(world.pid)
    world.sweep(8, 2)
    with pytest.raises(NotEnoughData, match="not made yet"):
        project.package.student()
    project.product.make()
    with zipfile.ZipFile(io.BytesIO(project.package.student())) as archive:
        card = archive.read("README.md").decode()
        about = json.loads(archive.read("config.json"))["info"]
    assert "24 labelled texts, 8 accepted counterfactuals" in card and card.count("| test texts, measured once: accuracy |") == 1
    assert "arm" not in about and about["test texts, measured once"]["n_gold"] == 40


def test_a_student_of_the_comparison_says_that_it_is_an_experiment(world):
    project = world.w.project(world.pid)
    world.sweep(8, 1)
    run = project.results.latest().runs[0]
    with zipfile.ZipFile(io.BytesIO(project.package.student(run.config.run_id))) as archive:
        assert "an experiment" in archive.read("README.md").decode()


def test_more_to_learn_from_makes_it_stale_and_the_next_step_is_to_make_it(world):
    project = world.w.project(world.pid)
    world.sweep(8, 2)
    assert "export" in [s.name for s in project.next.steps()]
    project.product.make()
    assert "export" not in [s.name for s in project.next.steps()]
    world.add_texts("unlabelled", 1)
    assert project.product.latest().stale


def test_without_development_texts_nothing_is_said_of_them_and_nothing_chosen_by_them(tmp_path, monkeypatch):
    monkeypatch.setenv("COD_HOME", str(tmp_path))
    small = World(Workspace(tmp_path), train=8, test=10)
    project = small.w.project(small.pid)
    project.product.make()
    assert all(one.dev is None for one in project.product.latest().ingredients) and not project.product.can_choose()
    with pytest.raises(NotEnoughData, match="development texts"):
        project.product.make(TakeHome("best"))


def test_it_stands_apart_from_the_comparison(world):
    """Its hundred rows would be an arm of their own in the costs and in the table."""
    project = world.w.project(world.pid)
    world.sweep(8, 2)
    before = project.results.latest().table
    project.product.make()
    assert project.results.latest().table == before and {c.arm for c in project.costs.table()} == {"kd", "cod"}


def test_a_student_leaves_in_the_forms_of_other_libraries(world, monkeypatch):
    """The zip for a library holds that library's folder, with the same figures; what there is no form of is refused in words."""
    from cod_core.export import libraries

    project = world.w.project(world.pid)
    project.product.make()
    seen = {}

    def writes(form):
        return lambda folder, student, info: seen.update({form: (student.labels, info)}) or folder

    for form in ("transformers", "sentence-transformers"):
        monkeypatch.setattr(libraries, f"write_{form.replace('-', '_')}", writes(form))
        project.package.student(form=form)
        assert seen[form][0] == ("negative", "positive") and seen[form][1]["test texts, measured once"]["n_gold"] == 40
    with pytest.raises(BadInput, match="Use one of: folder"):
        project.package.student(form="pickle")


@pytest.mark.parametrize("form", ["folder", "transformers"])
def test_two_people_take_the_same_student_home_at_once(tmp_path, monkeypatch, form):
    """Both wrote into one folder: one of them got a file that was not written to its end, or a traceback."""
    w = Workspace(tmp_path)
    package = w.project(w.create_project("Plans", Task("Good?", ("no", "yes")))).package
    config = SimpleNamespace(run_id="r", student="linear", method="kd", encoder="e", arm="cod", shots=8)
    monkeypatch.setattr(package, "chosen", lambda run_id: SimpleNamespace(config=config, test={}))
    monkeypatch.setattr("cod_core.project.export.package.kind_of", lambda config: SimpleNamespace(head=False))
    monkeypatch.setattr(package.store, "load", lambda run_id: HeadStudent.__new__(HeadStudent))
    monkeypatch.setattr(package.store, "weights", lambda run_id: tmp_path)
    both, found = Barrier(2), []

    def written(folder, student, info):
        both.wait(5)
        folder.mkdir(parents=True, exist_ok=True)
        mine = str(get_ident())
        (folder / "half").write_text(mine)
        both.wait(5)
        (folder / "half").write_text(mine + (folder / "half").read_text())
        both.wait(5)
        return folder

    monkeypatch.setattr("cod_core.export.libraries.write_transformers", written)
    monkeypatch.setattr("cod_core.export.student.write_finetuned_student", written)

    def take() -> None:
        with zipfile.ZipFile(io.BytesIO(package.student(form=form))) as archive:
            found.append(archive.read("half").decode() == 2 * str(get_ident()))

    people = [Thread(target=take) for _ in range(2)]
    for one in people:
        one.start()
    for one in people:
        one.join()
    assert found == [True, True] and not list((tmp_path / "tmp").glob("*"))


def test_it_is_stale_where_it_would_learn_otherwise_and_only_there(world):
    """A setting of the comparison made it so, and a counterfactual kept against the teacher did not."""
    project = world.w.project(world.pid)
    project.product.make()
    project.place.update(left_out=["negative"])
    assert not project.product.latest().stale
    world.keep_against_the_teacher(world.ids[10], "positive")
    assert project.product.latest().stale


def test_under_other_labels_it_has_to_be_made_anew(world):
    """The page offered a download that could not work."""
    project = world.w.project(world.pid)
    project.product.make()
    assert project.product.at_hand(project.product.latest())
    project.label_set.rename("negative", "terrible")
    made = project.product.latest()
    assert made.stale and not project.product.at_hand(made)


def test_it_is_not_judged_by_texts_that_its_teacher_was_trained_on(world, monkeypatch):
    """The promise stood in the docstring only."""
    project = world.w.project(world.pid)
    monkeypatch.setattr(type(project.teacher), "seen_in_training", lambda self, choice=None: "It was trained on the test texts.")
    with pytest.raises(BadInput, match="trained on the test texts"):
        project.product.make()
    assert project.product.latest() is None
