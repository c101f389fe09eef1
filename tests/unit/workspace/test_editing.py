"""Working on texts that are in: found, corrected, taken out, put back."""

import pytest

from cod_core.counterfactuals.options import SearchOptions
from cod_core.errors import BadInput
from cod_core.project.texts import editing
from cod_core.project.texts.editing import Wanted
from cod_core.store import cache, items
from cod_core.types import Example
from cod_core.workspace import Workspace
from tests.unit.workspace.small_world import World


@pytest.fixture
def world(tmp_path):
    made = World(Workspace(tmp_path), train=16, test=20)
    made.keep(made.ids[:4])
    return made


def test_a_text_taken_out_counts_nowhere_until_it_is_back(world):
    project, i = world.w.project(world.pid), world.ids[0]
    before = project.summary()
    assert project.editing.take_out([i], "ann") == 1
    assert (project.summary().n_train, project.summary().n_accepted, project.summary().stale) == (15, 3, 0)
    assert i not in project.pairs.kept() and project.audit.replayed()[1]
    assert [change.example_id for change in project.editing.taken_out()] == [i]
    assert project.editing.put_back([i], "ann") == 1 and project.summary() == before


def test_a_corrected_text_keeps_its_decision_and_waits_for_the_teacher(world):
    """The verdict was about other words: it may neither train nor leave until it is made again."""
    project, i = world.w.project(world.pid), world.ids[0]
    assert project.editing.correct(i, " Quite another text. ", "ann") == 1
    assert project.pairs.state().stale == 1 and i not in project.pairs.kept() and project.summary().n_accepted == 4


def test_a_corrected_text_is_tried_again(world):
    """The old words stood on record as tried: it was passed over, left out of every arm and said to have no proposal, for good."""
    project, i = world.w.project(world.pid), world.ids[5]

    def marks():
        [text] = items.examples(world.w.db, world.pid, ids=[i])
        options = SearchOptions()
        return {project.offers._mark(text, options), *project.search._marks(text, "positive", options)}

    before = marks()
    cache.add_to_reply(world.w.db, world.pid, project.draws.failed_key(), {i: "nothing found", world.ids[6]: "nothing found"})
    assert {i, world.ids[6]} == set(project.pairs.without()) and i in project.draws.unusable_rows() and before == marks()
    project.editing.correct(i, "Quite another text.", "ann")
    assert {world.ids[6]} == set(project.pairs.without()) and i not in project.draws.unusable_rows() and not before & marks()


def test_words_that_were_corrected_away_are_offered_no_more(world, monkeypatch):
    """A name taken out of two texts stood among the phrases, and in new proposals, until the app was started again."""
    monkeypatch.setattr("cod_core.counterfactuals.neighbours.EmbeddingNeighbours", lambda encoder: None)
    monkeypatch.setattr("cod_core.project.proposals.searcher.loaded", lambda encoder: encoder)
    project, texts = world.w.project(world.pid), ["Nurse Adelheid saw a fall.", "Nurse Adelheid noted the fall."]
    monkeypatch.setattr(project.teacher, "sensitivity", lambda teacher: None)
    monkeypatch.setattr(project.searcher, "_make_generator", lambda options: [project.searcher._vocabulary("")[1].of_class("positive")])
    items.add_examples(world.w.db, world.pid, [Example(f"n{i}", text, "positive") for i, text in enumerate(texts)])

    def known():
        return f"{project.retry.palette('positive')} {project.searcher._generator(SearchOptions())()}".lower()

    assert "adelheid" in known().split(" [[")[0] and "adelheid" in known().split(" [[")[1]
    for i, text in enumerate(texts):
        project.editing.correct(f"n{i}", text.replace("Adelheid", "Matron"), "ann")
    assert "adelheid" not in known() and "matron" in known()


def test_judged_texts_are_read_anew_after_a_correction(world):
    """Texts are kept apart by their words: a correction changes no count."""
    project = world.w.project(world.pid)
    test = project.texts.examples("test")[0]
    assert "new words" not in project.texts.judged()
    project.editing.correct(test.id, "New words", "ann")
    assert "new words" in project.texts.judged()


def test_pages_of_matching_texts(world, monkeypatch):
    project = world.w.project(world.pid)
    monkeypatch.setattr(editing, "PAGE", 6)
    shown = project.editing.look(Wanted("TEXT", "train"), page=9)
    assert (shown.total, shown.page, len(shown.texts)) == (16, 2, 4)
    assert project.editing.look(Wanted("nowhere")).texts == ()


@pytest.mark.parametrize("text", ["", "  ", "train text 0", "train text 1", "x" * (editing.LONGEST + 1)])
def test_a_correction_that_says_nothing_new_is_refused(world, text):
    with pytest.raises(BadInput):
        world.w.project(world.pid).editing.correct(world.ids[0], text, "ann")
