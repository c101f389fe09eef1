"""A data folder of an earlier version, opened by the code of today, entry by entry (tests/fixtures/README.md).

What a person has made must be there after an upgrade: the same numbers, ids, cache keys and history, and no model asked again.
"""

import csv
import dataclasses
import hashlib
import inspect
import io
import json
import math
import re
import shutil
import sqlite3
import zipfile
from functools import partial
from pathlib import Path

import pytest

from cod_core.counterfactuals.options import GenerateRequest
from cod_core.curation.view import View
from cod_core.data.counts import Counts
from cod_core.distill.settings import SweepPlan
from cod_core.jobs import queue
from cod_core.models.cached import CachedClassifier, CachedEncoder
from cod_core.project.models import Models
from cod_core.project.proposals.llm import proposing_key
from cod_core.store import runs, schema
from cod_core.workspace import Workspace

FIXTURES = Path(__file__).parents[2] / "fixtures"
SAID = (FIXTURES / "home_before_rooms.json").read_text(encoding="utf-8")
SAID = re.sub(r"(?:fell|rose) from ([\d.]+ %) to ([\d.]+ %)", r"is \2 instead of \1", SAID)  # since: the intervals there all hold 0
for before, now in (("well past", "very clear"), ("close to", "a close call"), ("past", "clear")):  # since: no decision lines on a screen
    SAID = SAID.replace(f"changed, {before} the decision line", f"changed, the flip is {now}")
EXPECTED = json.loads(SAID)
ONE = EXPECTED["one"]
LATER = ("class_weights",)  # settings of a student that came after the folder
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
SORTS = ("upload", "boundary", "edit", "similar", "recent")


# ---- values as the JSON holds them


def plain(value):
    if isinstance(value, Counts):
        return plain(dict(value.texts))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {k if isinstance(k, str) else json.dumps(plain(k), ensure_ascii=False): plain(v) for k, v in value.items()}
    if isinstance(value, (set, frozenset)):
        return sorted(plain(v) for v in value)
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if hasattr(value, "tolist"):
        return value.tolist()
    return value


def parts(value, names):
    return {name: plain(getattr(value, name)) for name in names.split()}


def without(value, *names):
    return {name: part for name, part in plain(value).items() if name not in names}


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def without_flips(pairs: bytes) -> bytes:
    """Pairs as a table, without the column `flips`, which earlier ones did not have."""
    rows = csv.reader(io.StringIO(pairs.decode(), newline=""), delimiter="\t")
    out = io.StringIO(newline="")
    csv.writer(out, delimiter="\t", lineterminator="\n").writerows(row[:-1] for row in rows)
    return out.getvalue().encode()


def verdict(check):
    if check is None:
        return None
    known = "counterfactual_id teacher_id teacher_revision target flipped reached_target token_edits edit_fraction char_edits similarity"
    sides = {"before": check.before.label, "after": check.after.label}
    sides |= {"before_logprobs": plain(check.before.logprobs), "after_logprobs": plain(check.after.logprobs)}
    return parts(check, known + " checked_at") | sides


def card(shown):
    told = parts(shown, "source offered decision stale reason_why disagrees version second")
    example = {"example_id": shown.example.id, **parts(shown.example, "text label split")}
    return told | example | {"check": verdict(shown.check), "alternatives": [[cf.id, verdict(c)] for cf, c in shown.alternatives]}


def run_of(result):
    return {"run_id": result.config.run_id, "config": without(result.config, *LATER), **parts(result, "test dev judged path")}


def job_of(job):
    return parts(job, "id kind params state result message error")


def same(now, then) -> bool:
    """Equal, numbers up to the last digits, which another processor may give otherwise."""
    if isinstance(then, float) and isinstance(now, (int, float)):
        return math.isclose(now, then, rel_tol=1e-6, abs_tol=1e-9) or (math.isnan(now) and math.isnan(then))
    if isinstance(then, dict) and isinstance(now, dict):
        return now.keys() == then.keys() and all(same(now[key], then[key]) for key in then)
    if isinstance(then, list) and isinstance(now, list):
        return len(now) == len(then) and all(map(same, now, then))
    return bool(now == then)


NEWLY_SAID = {"bare", "own"}  # of texts without a proposal: the queue did not know them


def differing(now, then, at="") -> list[str]:
    """Where two values differ, for the message of a test."""
    if same(now, then):
        return []
    if isinstance(then, dict) and isinstance(now, dict):
        keys = [*then, *(key for key in now if key not in then and key not in NEWLY_SAID)]
        return [line for key in keys for line in differing(now.get(key), then.get(key), f"{at}.{key}")]
    if isinstance(then, list) and isinstance(now, list) and len(now) == len(then):
        return [line for n, pair in enumerate(zip(now, then)) for line in differing(*pair, f"{at}[{n}]")]
    return [f"{at}: now {now!r:.300}, then {then!r:.300}"]


def ask(verb, reader, params: dict):
    """Call a verb of a room with the value that its parameters stand for."""
    takes = next(iter(inspect.signature(verb).parameters))
    return verb(params if takes == "params" else reader.of(params))


def attempt(read):
    try:
        return plain(read())
    except Exception as error:
        return {"raises": type(error).__name__, "message": str(error)}


# ---- the reading verbs: entry -> what today's rooms say


def plans(project):
    def one(params):
        cells, left_out, shots = ask(project.plan.cells, SweepPlan, params)
        return plain({"run_ids": [cell.config.run_id for cell in cells], "left_out": left_out, "shots": shots})

    asked = EXPECTED["projects"][project.id]["plans"]
    return {name: {"params": plan["params"], **attempt(lambda plan=plan: one(plan["params"]))} for name, plan in asked.items()}


def keys(project):
    return {
        "failed": project.draws.failed_key(),
        "aimed": project.search._aimed_key(),
        "proposing": proposing_key(project.id),
        "tightened": project.tightening._mark(project.cards.all()[0].offered.id, "minimal"),
        "state": project.results.state_mark(),
        "identity": project.teacher.identity(),
    }


def teacher(project):
    return parts(project.teacher.classifier(), "id revision labels") | {"label": project.teacher.label()}


def results(project):
    latest = project.results.latest()
    return latest and parts(latest, "sentence effects table teacher_accuracy majority stale messages outdated")


def worth(project):
    measured = project.influence.measure()
    values = measured and [[one["id"], round(one["nll"], 6)] for one in measured.values]
    return measured and parts(measured, "n_dev measured_on") | {"values": values}


def audit_trail(project):
    trail = project.audit.jsonl()
    return {"sha256": sha(trail), "lines": len(trail.splitlines()), "csv_sha256": sha(project.audit.csv("Ana"))}


def verdict_on_record(project):
    first = project.cards.all()[0]
    found = project.curation.verdict_on_record(first.example.id, first.offered.text, first.offered.target)
    return without(verdict(found), "checked_at")


def drafts(project):
    found = {i: project.curation.draft_of(i, "Ana") for i in with_cards(project)}
    return {i: draft for i, draft in found.items() if draft}


def predicted(project):
    keys, store = ("test_predicted", "unlabelled_predicted"), project.store
    answers = store.answers
    ids = [r.config.run_id for r in runs.runs(project.place.db, project.id)]
    return {run_id: {key: answers(run_id, key) for key in keys} for run_id in ids}


def quality(project):
    shown = project.quality.card()
    judge = shown.fluency_judge
    return parts(shown, "total stages sources verdicts") | {"judge": judge}


def review_table(project):
    page = project.review.table("Ana")
    return {"ids": [c.example.id for c in page.cards], **parts(page, "total pages")}


def with_cards(project) -> list[str]:
    return [row.example_id for row in project.cards.rows("Ana")]


def rows(found) -> list[str]:
    return [row.example_id for row in found]


def queue_to_do(project):
    left = project.cards.queue(View(), "Ana")
    return parts(left, "view counts total decided kept") | {"rows": rows(left.rows), "narrowed": rows(left.narrowed)}


def compared(project):
    sides = project.comparison.sides()
    return project.comparison.compare(sides[0].id, sides[1].id)


def exported(project):
    lines = project.exports.jsonl()
    return {"sha256": sha(lines), "lines": len(lines.splitlines())}


def orders(project, lost=frozenset()):
    return {str(seed): project.draws.order(seed, 8, None, lost) for seed in range(3)}


READ = {
    "project": lambda p: p.row,
    "summary": lambda p: without(p.summary(), "n_tried"),  # counted since
    "examples": lambda p: p.texts.examples(),
    "queue": lambda p: {
        f"{who}|{sort}": rows(p.cards.queue(View(show="all", sort=sort), who).rows) for who in ("Ana", "Ben") for sort in SORTS
    },
    "queue_todo": queue_to_do,
    "queue_rows": lambda p: p.cards.rows("Ana"),
    "cards_Ana": lambda p: [card(c) for c in p.cards.all(annotator="Ana")],
    "cards_Ben": lambda p: [card(c) for c in p.cards.all(annotator="Ben")],
    "card": lambda p: card(p.cards.one(with_cards(p)[0], "Ana")),
    "kept_pairs": lambda p: {i: [cf.id, verdict(check)] for i, (cf, check) in p.pairs.kept().items()},
    "fair_pairs": lambda p: [list(p.draws.fair(p.pairs.kept())[0]), p.draws.fair(p.pairs.kept())[1]],
    "lost_rows": lambda p: p.draws.unusable_rows(),
    "failed": lambda p: p.draws.failed(),
    "keys": keys,
    "draw_order": orders,
    "draw_order_lost": lambda p: orders(p, p.draws.unusable_rows()),
    "sweep_orders": lambda p: {
        str(seed): order for seed, order in p.draws.sweep_orders(range(3), 8, 4, {i: cf for i, (cf, _) in p.pairs.kept().items()}).items()
    },
    "candidates": lambda p: [e.id for e in p.draws.candidates(8)],
    "shots_allowed": lambda p: p.plan.shots_allowed(),
    "preflight": lambda p: parts(p.preflight.check(), "n_kept n_pairs shots_allowed seconds_estimate n_test messages blocked"),
    "waiting": lambda p: p.pairs.waiting(),
    "plans": plans,
    "runs": lambda p: [run_of(r) for r in runs.runs(p.place.db, p.id)],
    "report": lambda p: p.results.report(),
    "results": results,
    "report_history": lambda p: p.comparison.history(),
    "sides": lambda p: [{**plain(side), "about": without(side.about, *LATER)} for side in p.comparison.sides()],
    "compare_sides": compared,
    "sources": lambda p: p.pairs.sources(),
    "provenance": lambda p: p.pairs.provenance(),
    "costs": lambda p: [without(c, "kwh") for c in p.costs.table()],
    "price_of_a_pair": lambda p: p.costs.price_of_a_pair(),
    "diagnostics": lambda p: (found := p.diagnostics.latest()) and {**found.to_json(), "stale": found.stale},
    "teacher": teacher,
    "teacher_report": lambda p: parts(
        p.trust.report(), "name kind revision accuracy n n_left_out disagreements note warning unanswered covered"
    ),
    "predictions": lambda p: p.teacher.classifier().logprobs([e.text for e in p.texts.examples()]),
    "limits": lambda p: p.quality.limits(),
    "quality": quality,
    "export_jsonl": exported,
    "export_cad": lambda p: sha(without_flips(p.exports.cad())),
    "export_counts": lambda p: p.exports.counts(),
    "audit_rows": audit_trail,
    "audit_replay": lambda p: p.audit.replayed(),
    "deciders": lambda p: p.audit.deciders(),
    "guideline": lambda p: p.guideline.current(),
    "guideline_versions": lambda p: p.guideline.versions(),
    "decided_before": lambda p: [d.counterfactual_id for d in p.guideline.decided_before()],
    "history": lambda p: {i: p.cards.history(i, "Ana") for i in with_cards(p)},
    "drafts": drafts,
    "seconds": lambda p: [[s.example_id, s.phase, {who: d.status for who, d in s.votes.items()}] for s in p.review.second_opinions()],
    "opinions_for": lambda p: {who: p.review.opinions_for(who) for who in ("Ana", "Ben", "Cleo")},
    "differences": lambda p: [[d.card.example.id, {who: v[0].status for who, v in d.votes.items()}] for d in p.review.differences()],
    "agreement": lambda p: p.review.agreement(),
    "review_table": review_table,
    "live": lambda p: p.live.measure(),
    "worth": worth,
    "verdict_on_record": verdict_on_record,
    "targets": lambda p: {which: p.search.targets(p.cards.all()[0].example, which) for which in ("in turn", "nearest", "all")},
    "usual_budget": lambda p: p.searcher.usual_budget(),
    "memory_of_labels": lambda p: p.teacher.soft_label_memory(),
    "chosen_student": lambda p: p.package.chosen().config.run_id,
    "kept_students": lambda p: [r.config.run_id for r in p.store.kept()],
    "predicted": predicted,
    "last_llm": lambda p: p.endpoints.last_llm(),
    "finished": lambda p: p.store.finished(p.texts.eval_sets()),
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
