"""Quality card, tightening and comparison through the workspace, with the built-in Amazon teacher."""

import pytest

from cod_core.errors import BadInput
from cod_core.models.choice import BuiltinChoice
from cod_core.project.models import Models
from cod_core.store import cache, items
from cod_core.text import short_hash
from cod_core.types import Counterfactual, Example, Origin, Task, now
from cod_core.workspace import Workspace

pytestmark = pytest.mark.slow
PAIRS = [
    ("The battery is great and it came on time in a box.", "The battery is awful and it arrived late in a bag."),
    ("I love this phone.", "I hate this phone."),
]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    w = Workspace(tmp_path_factory.mktemp("home"))
    pid = w.create_project("Phones", Task("Is it praise?", ("negative", "positive")))
    w.project(pid).teacher.choose(BuiltinChoice("amazon"))
    examples = [Example(short_hash(a), a, "positive") for a, _ in PAIRS]
    items.add_examples(w.db, pid, [*examples, Example("t", "The lens is poor.", "negative", "test")])
    w.project(pid).pairs.add(
        [
            (e, Counterfactual(short_hash(b), e.id, b, "positive", "negative", Origin("import", "mine.csv"), created_at=now()))
            for e, (_, b) in zip(examples, PAIRS)
        ]
    )
    return w, pid, examples


def test_tightening_makes_a_smaller_proposal_that_points_back(made):
    """The person sees both and chooses; the old one stays."""
    w, pid, examples = made
    base = items.counterfactuals(w.db, pid, [examples[0].id])[0]
    cf, check = w.project(pid).tightening.tighten(base.id)
    assert cf.derived_from == base.id and check.valid and cf.origin.name == "mine.csv, tightened"
    assert check.edit_fraction < w.project(pid).pairs.state().checks[base.id].edit_fraction
    assert base.id in {c.id for c in items.counterfactuals(w.db, pid)}
    assert w.project(pid).tightening.tighten(base.id)[0].id == cf.id, "asked again, the same answer comes back"


def test_a_proposal_of_one_edit_stays_as_it_is(made):
    w, pid, examples = made
    base = items.counterfactuals(w.db, pid, [examples[1].id])[0]
    assert w.project(pid).tightening.tighten(base.id)[0].id == base.id
    with pytest.raises(BadInput, match="mode"):
        w.project(pid).tightening.tighten(base.id, "best")


def test_the_card_measures_and_compares_sources_on_the_same_texts(made):
    w, pid, _ = made
    w.project(pid).tightening.tighten_all()
    card = w.project(pid).quality.card()
    assert card.total.flip_rate == 1.0 and card.fluency_judge
    assert [s.n for s in card.stages][:4] == [2, 2, 2, 2]
    rows = {row.source: row for row in card.sources}
    assert set(rows) == {"file: mine.csv", "file: mine.csv, tightened"}
    assert len({row.texts for row in rows.values()}) == 1


def test_texts_for_which_nothing_was_found_are_counted(made):
    """Of ten texts searched and one flipped, the card said 100 %."""
    w, pid, _ = made
    project = w.project(pid)
    assert project.quality.card().sentence == "2 of 2 texts have a proposal that flips the teacher."
    hopeless = Example("hopeless", "It is a phone.", "negative")
    items.add_examples(w.db, pid, [hopeless])
    cache.add_to_reply(w.db, pid, project.draws.failed_key(), {hopeless.id: "no flip found"})
    card = project.quality.card()
    assert card.sentence == "2 of 3 texts have a proposal that flips the teacher." and card.stages[0].lost == {"no flip found": 1}
    assert (project.summary().n_tried, project.summary().n_proposed_texts, project.summary().n_valid) == (3, 2, 2)


def test_fluency_is_named_and_read_from_the_record_with_a_language_model(made, monkeypatch):
    """Opening a page must not load a language model; without one, word pairs answer at once and are named."""
    w, pid, _ = made
    monkeypatch.setattr(Models, "local_llm_name", lambda self: None)
    card = w.project(pid).quality.card()
    assert card.total.fluency is not None and "word pairs" in card.fluency_judge
    monkeypatch.setattr(Models, "local_llm_name", lambda self: "some-model")
    monkeypatch.setattr(Models, "local_llm", lambda self, *_: pytest.fail("a language model was loaded"))
    card = w.project(pid).quality.card()
    assert card.total.fluency is None and "some-model" in card.fluency_judge


def test_limits_grade_what_they_reject(made):
    w, pid, _ = made
    with pytest.raises(BadInput):
        w.project(pid).quality.set_limits({"edit_fraction_reject": -1})
    w.project(pid).quality.set_limits({"edit_fraction_reject": 0.01, "edit_fraction_warn": 0.01})
    assert [grade for grade, _ in w.project(pid).quality.card().verdicts.values()] == ["reject", "reject"]
    w.project(pid).quality.set_limits({"edit_fraction_reject": 0.9})
    assert "reject" not in [grade for grade, _ in w.project(pid).quality.card().verdicts.values()]
    assert w.project(pid).curation.accept_unattended() == 2 and w.project(pid).quality.card().stages[-1].n == 2


def test_pairs_of_an_own_bundle_are_judged_anew_under_their_name(made, tmp_path_factory):
    """Decisions of another project must not come along unseen: only the texts do."""
    w, pid, examples = made
    bundle = w.project(pid).exports.bundle()
    other = w.create_project("Other", Task("Is it praise?", ("negative", "positive")))
    w.project(other).teacher.choose(BuiltinChoice("amazon"))
    items.add_examples(w.db, other, examples[:1])
    done = w.project(other).proposals.import_pairs_of_bundle(bundle, "theirs.zip")
    assert done.added == 1 and len(done.problems) == 1, "the text that this project lacks is named"
    assert [row.source for row in w.project(other).quality.card().sources] == ["file: theirs.zip"]
    assert not w.project(other).pairs.kept()
