"""Projects, texts, proposals, verdicts, drafts: what goes in comes out, and what is erased is gone."""

import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from cod_core.data.counts import Counts
from cod_core.errors import BadInput
from cod_core.store import cache, decisions, items, projects, runs
from cod_core.text import text_hash
from cod_core.types import Counterfactual, Decision, Example, FlipCheck, Origin, Prediction, RunConfig, RunResult, Task

TASK = Task("sentiment", ("good", "bad"), ("it praises", "it complains"), 3)
ORIGIN = Origin("search", "teacher-guided", "1", seed=4)


@pytest.fixture
def pid(db):
    return projects.create_project(db, "mine", TASK)


def proposal(id="c1", example_id="e1", text="a bad film", **more) -> Counterfactual:
    return Counterfactual(id, example_id, text, "good", "bad", ORIGIN, created_at="2026-01-01T00:00:00Z", **more)


def verdict(cf_id="c1", teacher="t", revision="r1", at="2026-01-01T00:00:00Z", edits=1) -> FlipCheck:
    before, after = Prediction(TASK.labels, (-0.1, -2.3)), Prediction(TASK.labels, (-1.6, -0.2))
    return FlipCheck(cf_id, teacher, revision, before, after, "bad", edits, 0.25, 3, None, False, at)


def test_a_project_comes_back_as_it_was_made(db, pid):
    projects.set_teacher(db, pid, {"kind": "builtin", "name": "movies"})
    projects.update_settings(db, pid, {"a": 1})
    projects.update_settings(db, pid, {"b": [2]})
    found = projects.get_project(db, pid)
    assert (found.task, found.teacher, found.settings) == (TASK, {"kind": "builtin", "name": "movies"}, {"a": 1, "b": [2]})
    projects.set_teacher(db, pid, None)
    assert projects.get_project(db, pid).teacher is None


def test_projects_made_in_one_second_are_still_newest_first(db):
    made = []
    for name in "abc":
        made.append(projects.create_project(db, name, TASK))
        time.sleep(0.002)
    assert [p.id for p in projects.list_projects(db)] == made[::-1]


@pytest.mark.parametrize(
    "verb",
    [
        lambda db: projects.get_project(db, "x"),
        lambda db: projects.set_teacher(db, "x", {}),
        lambda db: projects.update_settings(db, "x", {"a": 1}),
        lambda db: items.example(db, "x", "e"),
        lambda db: items.counterfactual(db, "x", "c"),
    ],
)
def test_what_does_not_exist_is_refused(db, verb):
    with pytest.raises(BadInput):
        verb(db)


def test_the_same_texts_twice_add_nothing_and_keep_their_order(db, pid):
    """Re-uploading a file must not double the training rows."""
    first = [Example(str(i), f"text {i}", "good", metadata={"page": "7"}, source_id="doc") for i in range(3)]
    assert items.add_examples(db, pid, first) == 3
    assert items.add_examples(db, pid, [*first, Example("x", "new", None, "unlabelled"), first[0]]) == 1
    assert items.examples(db, pid) == [*first, Example("x", "new", None, "unlabelled")]
    assert items.examples(db, pid, split="unlabelled")[0].id == "x"
    assert [e.id for e in items.examples(db, pid, ids=["x", "1", "1"])] == ["1", "x"]
    assert items.counts(db, pid) == Counts({("train", "good"): 3, ("unlabelled", None): 1})


def test_two_projects_may_hold_the_same_text(db, pid):
    other = projects.create_project(db, "other", TASK)
    same = [Example("e1", "a good film", "good")]
    assert items.add_examples(db, pid, same) == items.add_examples(db, other, same) == 1


def test_proposals_and_verdicts_come_back_as_they_were(db, pid):
    edited = proposal("c2", text="an awful film", raw_reply="Sure! An awful film", derived_from="c1", note="edited")
    assert items.add_counterfactuals(db, pid, [proposal(), edited]) == 2
    assert items.add_counterfactuals(db, pid, [proposal(text="other words, same id")]) == 0
    assert items.counterfactuals(db, pid) == [proposal(), edited]
    assert items.counterfactuals(db, pid, example_ids=["nobody"]) == []
    assert items.counterfactual(db, pid, "c2") == edited
    items.add_checks(db, pid, [verdict(edits=9), verdict()])
    assert items.checks(db, pid, "t", "r1") == {"c1": verdict()}
    assert items.checks(db, pid, "t", "r2") == {}


def test_what_a_database_cannot_hold_is_left_out_not_refused(db, pid):
    """A reply with a NUL would be lost on one database and kept on the other."""
    items.add_counterfactuals(db, pid, [proposal(raw_reply="a\0b\ud83d", note="n\0")])
    items.save_draft(db, pid, "e1", "me", None, "half\0 a sen\udc00tence")
    decisions.append(db, pid, Decision("c1", "e1", "rejected", "me", comment="odd\0", override_reason=None))
    assert (items.counterfactual(db, pid, "c1").raw_reply, items.counterfactual(db, pid, "c1").note) == ("ab", "n")
    assert items.draft(db, pid, "e1", "me") == "half a sentence" and decisions.log(db, pid)[0].comment == "odd"


def test_the_latest_verdict_of_any_teacher_is_found(db, pid):
    late = verdict(revision="r2", at="2026-02-01T00:00:00Z")
    items.add_checks(db, pid, [late, verdict()])
    assert items.any_checks(db, pid) == {"c1": late}


def test_a_draft_is_replaced_and_dropped(db, pid):
    items.save_draft(db, pid, "e1", "me", "c1", "half a sen")
    items.save_draft(db, pid, "e1", "me", None, "half a sentence")
    assert items.draft(db, pid, "e1", "me") == "half a sentence"
    assert items.draft(db, pid, "e1", "you") is None
    items.drop_draft(db, pid, "e1", "me")
    assert items.draft(db, pid, "e1", "me") is None


def test_an_upload_is_remembered_per_project(db, pid):
    items.record_upload(db, pid, "hash", "a.csv", "labelled", 4)
    items.record_upload(db, pid, "hash", "a.csv", "labelled", 4)
    assert items.upload_seen(db, pid, "hash") and not items.upload_seen(db, "other", "hash")


def test_cached_numbers_come_back_exactly_and_only_for_their_revision(db):
    """A changed model that is served old numbers shows a verdict that nobody gave."""
    cache.put_predictions(db, "t", "r1", {"h": (-0.1, np.float32(-2.5)), "g": (-1.0, -0.5)})
    cache.put_predictions(db, "t", "r1", {"h": (-9.0, -9.0)})
    assert cache.get_predictions(db, "t", "r1", ["h", "missing"]) == {"h": (-0.1, -2.5)}
    assert cache.get_predictions(db, "t", "r2", ["h"]) == {}
    row = np.linspace(0, 1, 5, dtype=np.float32)
    cache.put_embeddings(db, "enc", {"h": row})
    np.testing.assert_array_equal(cache.get_embeddings(db, "enc", ["h"])["h"], row)


def test_a_reply_is_kept_and_replaced_by_key(db, pid):
    assert cache.get_reply(db, "k") is None
    cache.put_reply(db, pid, "k", {"text": "a"})
    cache.put_reply(db, pid, "k", {"text": "b"})
    assert cache.get_reply(db, "k") == {"text": "b"}


def test_what_several_writers_add_to_a_reply_is_all_there(db, pid):
    """Read in one transaction and written in the next, a list lost what came between."""

    def add(i):
        for j in range(5):
            cache.add_to_reply(db, pid, "k", {f"{i}.{j}": "no flip found"})

    with ThreadPoolExecutor(4) as writers:
        list(writers.map(add, range(4)))
    assert len(cache.get_reply(db, "k")) == 20
    cache.add_to_reply(db, pid, "k", {"0.0": "other"})
    assert cache.get_reply(db, "k")["0.0"] == "other"


@pytest.mark.slow
def test_ten_thousand_cached_rows_take_well_under_a_second_each_way(db):
    hashes = [text_hash(str(i)) for i in range(10_000)]
    started = time.process_time()
    cache.put_predictions(db, "t", "r", {h: (-0.5, -1.0) for h in hashes})
    assert len(cache.get_predictions(db, "t", "r", hashes)) == 10_000
    assert time.process_time() - started < 3.0  # processor time: about 0.3 s


def result(seed=0, **more) -> RunResult:
    config = RunConfig("kd", "cod", 8, seed, "linear", "enc", "t", "r1", "data")
    return RunResult(config, {}, {"accuracy": 0.7, "kl": 0.1}, 0.5, (1.0, 0.5), {"torch": "2"}, **more)


def test_runs_come_back_and_are_never_scored_over(db, pid):
    runs.put_runs(db, pid, [result(0), result(1, path="a.safetensors")])
    runs.put_runs(db, pid, [result(0, energy_kwh=1.0)])
    assert {r.config.run_id for r in runs.runs(db, pid)} == {result(0).config.run_id, result(1).config.run_id}
    assert sorted(runs.runs(db, pid), key=lambda r: r.config.seed) == [result(0), result(1, path="a.safetensors")]


def test_a_deleted_project_leaves_no_byte_of_its_texts(db, pid, tmp_path):
    """SQLite keeps deleted rows in free pages and in its log unless told otherwise."""
    secret, other = "SECRETWORD " * 30, projects.create_project(db, "other", TASK)
    items.add_examples(db, pid, [Example("e1", secret, "good"), Example("e2", "shared", "bad")])
    items.add_examples(db, other, [Example("e2", "shared", "bad")])
    items.add_counterfactuals(db, pid, [proposal(text=secret + "not", raw_reply=secret)])
    items.save_draft(db, pid, "e1", "me", None, secret)
    cache.put_reply(db, pid, "k", {"text": secret})
    runs.put_runs(db, pid, [result()])
    keys = {text_hash(t): (-0.1, -2.0) for t in (secret, "shared", secret + "not", "tried in the editor only")}
    cache.put_predictions(db, "t", "r", keys)
    cache.put_embeddings(db, "enc", {key: np.ones(3) for key in keys})
    projects.delete_project(db, pid)
    assert [p.id for p in projects.list_projects(db)] == [other]
    assert set(cache.get_predictions(db, "t", "r", list(keys))) == {text_hash("shared")}
    assert set(cache.get_embeddings(db, "enc", list(keys))) == {text_hash("shared")}
    assert cache.get_reply(db, "k") is None and runs.runs(db, pid) == []
    assert items.examples(db, other)[0].text == "shared"
    for path in tmp_path.iterdir():
        assert b"SECRETWORD" not in path.read_bytes(), path.name
