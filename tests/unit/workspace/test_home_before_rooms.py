"""A data folder of an earlier version, opened by the code of today, entry by entry (tests/fixtures/README.md).

What a person has made must be there after an upgrade: the same numbers, ids, cache keys and history, and no model asked again.
"""

import json
import shutil
import sqlite3
import zipfile
from functools import partial

import pytest

from cod_core.counterfactuals.options import GenerateRequest
from cod_core.distill.settings import SweepPlan
from cod_core.jobs import queue
from cod_core.models.cached import CachedClassifier, CachedEncoder
from cod_core.project.models import Models
from cod_core.store import runs, schema
from cod_core.workspace import Workspace
from tests.unit.workspace.home_before_rooms import EXPECTED, FIXTURES, ONE, READ, ask, attempt, differing, job_of, parts, plain, without

NOW = {  # what is said otherwise since every accepted pair is compared, and a label without one is named
    ("one", "shots_allowed"): [8, 16, 18],
    ("one", "preflight"): {
        "shots_allowed": [8, 16, 18],
        "seconds_estimate": 9.2,
        "messages": [
            "“positive” has 6 pairs and “negative” 3. All are used. With more than 6 pairs "
            "the labels are uneven, so texts of rare labels count more.",
            "Only 10 labelled test texts: differences will be uncertain. 100 or more are better.",
        ],
    },
    **{
        (which, "chosen_student"): {  # a student of the comparison is never the one to take home
            "raises": "NotEnoughData",
            "message": "The student to take home is not made yet. Make it on the Export page, or by the command student.",
        }
        for which in ("one", "two")
    },
    ("two", "preflight"): {
        "messages": [
            "There is no accepted pair of “for” yet. A comparison needs at least one of each label. "
            "The command next, and the Distil page, say how to come to it.",
            "Only 2 labelled test texts: differences will be uncertain. 100 or more are better.",
        ]
    },
}
PROJECTS = {"one": ONE, "two": EXPECTED["two"]}


# ---- the folder, and copies of it for what writes


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory):
    """The zip, unpacked; no model is loaded from here on, and no packaged language model judges the fluency."""
    folder = tmp_path_factory.mktemp("before")
    with zipfile.ZipFile(FIXTURES / "home_before_rooms.zip") as archive:
        archive.extractall(folder)

    def asked(self):
        raise AssertionError("a model was asked for what is on record")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Models, "local_llm_name", lambda self: None)
        for cached in (CachedClassifier, CachedEncoder):
            patch.setattr(cached, "wrapped", property(asked))
        yield folder


@pytest.fixture(scope="module")
def read(unpacked):
    """project id -> entry -> what the code of today says."""
    w = Workspace(unpacked / "home")
    told = {pid: {name: attempt(partial(entry, w.project(pid))) for name, entry in READ.items()} for pid in EXPECTED["projects_listed"]}
    yield told
    w.db.engine.dispose()


@pytest.fixture
def copied(unpacked, tmp_path):
    """A workspace on a copy of the folder."""
    w = Workspace(shutil.copytree(unpacked / "home", tmp_path / "home"))
    yield w
    w.db.engine.dispose()


@pytest.fixture
def empty(unpacked, tmp_path):
    """A workspace on an empty folder."""
    w = Workspace(tmp_path / "home")
    yield w
    w.db.engine.dispose()


@pytest.mark.parametrize("entry", READ)
@pytest.mark.parametrize("which", PROJECTS)
def test_the_folder_says_what_it_said(read, which, entry):
    now, then = read[PROJECTS[which]][entry], EXPECTED["projects"][PROJECTS[which]][entry]
    changed = NOW.get((which, entry), then)
    then = {**then, **changed} if isinstance(changed, dict) and isinstance(then, dict) else changed
    assert not differing(now, then), "\n".join(differing(now, then))


def test_every_entry_of_the_fixture_is_read():
    """An entry that nobody compares guards nothing."""
    assert set(EXPECTED["projects"][ONE]) == set(READ)


def test_the_folder_itself_is_what_it_was(copied):
    """Tables, projects, people, places and jobs; a queued job whose worker is gone is marked so, as before."""
    with sqlite3.connect(copied.settings.home / "cod.db") as con:
        counted = {name: con.execute(f"select count(*) from {name}").fetchone()[0] for name in schema.metadata.tables}
        stored = con.execute("select id, project_id, kind, params, state, result from jobs order by created_at").fetchall()
    assert counted == {**EXPECTED["tables"], "label_corrections": 0, "turns": 0, "text_changes": 0}  # came later
    names = ("id", "project_id", "kind", "params", "state", "result")
    asked = [dict(zip(names, row)) for row in stored]
    assert [{**j, "params": json.loads(j["params"]), "result": j["result"] and json.loads(j["result"])} for j in asked] == EXPECTED[
        "jobs_as_stored"
    ]
    assert [p.id for p in copied.projects()] == EXPECTED["projects_listed"]
    assert copied.people.roles() == EXPECTED["people"]
    assert plain({who: copied.people.locations(who) for who in ("Ana", "Ben")}) == EXPECTED["places"]
    assert [job_of(queue.get(copied.db, j["id"])) for j in asked] == EXPECTED["jobs"]
    newest = {pid: copied.project(pid).jobs.newest() for pid in EXPECTED["projects_listed"]}
    assert {pid: job and job_of(job) for pid, job in newest.items()} == EXPECTED["newest_job"]


# ---- what writes


def distill_again(project):
    params = EXPECTED["projects"][ONE]["plans"]["linear"]["params"]
    return without(ask(project.students.distil, SweepPlan, params), "report")


def generate_again(project):
    return without(
        ask(project.proposals.generate, GenerateRequest, {"k": 14, "generator": "search", "budget": 60, "n": 3}),
        "advice",
        "source",
        "messages",
    )


def undone(project):
    act = without(project.curation.undo("Ana"), "decided_at")
    return {"act": act, "accepted": project.summary().n_accepted, "kept": sorted(project.pairs.kept())}


def renewed(project):
    project.results.renew_report()
    return project.results.latest().effects


def report_page(project):
    page = project.report.html()
    return [page.lower().startswith("<!doctype html"), len(page) > 10000]


WRITE = {
    "distill_again": distill_again,
    "generate_again": generate_again,
    "undo": undone,
    "accept_unattended": lambda p: [p.curation.accept_unattended(), sorted(p.pairs.kept())],
    "queue_again": lambda p: p.guideline.queue_again("Ana"),
    "renew_report": renewed,
    "report_html": report_page,
}


@pytest.mark.parametrize("entry", WRITE)
def test_work_goes_on_in_the_folder(copied, entry):
    now = attempt(lambda: WRITE[entry](copied.project(ONE)))
    assert not differing(now, EXPECTED[entry]), "\n".join(differing(now, EXPECTED[entry]))


def test_a_backup_of_before_is_restored(empty, unpacked):
    project = empty.project(empty.restore((unpacked / "away" / "backup.zip").read_bytes()))
    latest = project.results.latest()
    now = {
        "summary": without(project.summary(), "n_tried"),
        **parts(latest, "sentence stale"),
        "kept": sorted(project.pairs.kept()),
        "runs": [r.config.run_id for r in runs.runs(empty.db, project.id)],
        "replayed": plain(project.audit.replayed()),
    }
    then = {name: value for name, value in EXPECTED["restored"].items() if name not in ("same_id", "export_sha256")}
    assert project.id != ONE, "a restored project never takes the place of another one"
    exported = {json.loads(line)["pair_id"] for line in project.exports.jsonl().splitlines()}
    assert exported >= set(now["kept"]) and len(exported) == len(now["kept"]) + 1, "one is kept with a reason"
    assert not differing(now, then), "\n".join(differing(now, then))


def test_a_set_exported_before_is_opened_twice(empty, unpacked):
    data = (unpacked / "away" / "bundle.zip").read_bytes()
    pid, left_out = empty.open_bundle(data)
    project = empty.project(pid)
    summary = project.summary()
    now = {
        "name": project.row.name,
        "left_out": plain(left_out),
        "counts": plain(summary.counts),
        **parts(summary, "n_decided n_accepted stale"),
        "guideline": project.guideline.current().text,
        "decisions": sorted([c.example.text, c.decision.status if c.decision else None, c.offered.text] for c in project.cards.all()),
        "again": plain(project.bundles.open(data)),
    }
    assert not differing(now, EXPECTED["bundle_imported"]), "\n".join(differing(now, EXPECTED["bundle_imported"]))
