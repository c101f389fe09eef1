"""Who may do what, asked of the library at the moment of each act: no screen stands between these tests and the store."""

from dataclasses import replace
from pathlib import Path

import pytest

from cod_core import roles
from cod_core.distill.settings import SweepPlan
from cod_core.errors import CodError
from cod_core.jobs import queue, worker
from cod_core.models.choice import FinetunedChoice, FinetuneOptions, read_choice
from cod_core.project.place import Room
from cod_core.roles import Actor
from cod_core.store import people, projects, schema
from cod_core.types import Task
from cod_core.workspace import Workspace
from tests.unit.workspace.test_several_people import LABELS, TEACHER, fill

ROOT = Path(__file__).resolve().parents[3]
OFF = "not on the list of this team"


def who(name: str, /, **changes) -> Actor:
    return replace(Actor(f"{name}@team.example", "https://id.example", name, True, 1000.0), **changes)


@pytest.fixture
def w(database_url, tmp_path, monkeypatch):
    """A team that signs in: rob owns, ann and rev were let in at the gate; rev reviews."""
    monkeypatch.setenv("COD_HOME", str(tmp_path))
    monkeypatch.setenv("COD_DATABASE_URL", database_url)
    monkeypatch.setenv("COD_OWNERS", "rob@team.example")
    monkeypatch.setenv("COD_MEMBERS", "@team.example")
    opened = Workspace()
    for name in ("rob", "ann", "rev"):
        opened.acting(who(name)).people.admit()
    opened.acting(who("rob")).people.set_role("rev@team.example", "reviewer", "rob@team.example")
    yield opened
    opened.db.engine.dispose()


@pytest.fixture
def pid(w):
    pid = w.create_project("Team", Task("Good or bad?", LABELS))
    projects.set_teacher(w.db, pid, TEACHER)
    fill(w, pid, 4)
    return pid


def stored(w) -> dict:
    """Every row of every table."""
    with w.db.read() as c:
        return {name: c.execute(table.select()).all() for name, table in schema.metadata.tables.items()}


# ------------------------------------------------------------ a person who was removed


def test_a_person_removed_while_her_card_is_open_decides_nothing(w, pid):
    """Callbacks run without the gate: her decision was stored, and reading her role put her on the list again."""
    hers = w.acting(who("ann")).project(pid)
    card = hers.cards.one("e0", "ann@team.example")
    w.acting(who("rob")).people.remove("ann@team.example")
    before = stored(w)
    for act in (
        lambda: hers.curation.decide(card.offered.id, "accepted", "ann@team.example", seen=card.version),
        lambda: hers.curation.save_draft("e0", "ann@team.example", None, "x"),
        lambda: hers.curation.undo("ann@team.example"),
        lambda: hers.presence.claim("a browser", "ann@team.example", ["e0"]),
        lambda: w.acting(who("ann")).project(pid),
        lambda: w.acting(who("ann")).create_project("Hers", Task("t", LABELS)),
        w.acting(who("ann")).people.role,
        w.acting(who("ann")).people.admit,
    ):
        with pytest.raises(CodError, match=OFF):
            act()
    assert stored(w) == before and "ann@team.example" not in w.people.roles()


def test_a_bulk_act_in_the_old_tab_of_a_removed_reviewer_does_nothing(w, pid):
    """It came through, and made her a curator again."""
    theirs = w.acting(who("rev")).project(pid)
    plan = theirs.review.plan_bulk("rev@team.example", ["e0", "e1"], "accepted")
    w.acting(who("rob")).people.remove("rev@team.example")
    before = stored(w)
    with pytest.raises(CodError, match=OFF):
        theirs.review.do_bulk(plan, "rev@team.example")
    assert stored(w) == before


def test_who_was_removed_comes_back_through_an_owner_alone(w):
    """A list of members that names the whole domain let her in again at the next page, under this or another address."""
    rob = w.acting(who("rob"))
    rob.people.remove("ann@team.example")
    for same_account in (who("ann"), who("ann", name="ann.b@team.example")):
        with pytest.raises(CodError, match=OFF):
            w.acting(same_account).people.admit()
    rob.people.set_role("ann@team.example", "curator", "rob@team.example")
    w.acting(who("ann")).people.admit()
    assert w.acting(who("ann")).people.role() == "curator"


def test_a_lower_role_counts_at_once(w, pid):
    """A page that was drawn for a reviewer would go on as one."""
    theirs = w.acting(who("rev")).project(pid)
    w.acting(who("rob")).people.set_role("rev@team.example", "curator", "rob@team.example")
    with pytest.raises(CodError, match="Ask an owner"):
        theirs.guideline.write("Be brief.", "rev@team.example")
    theirs.curation.decide("c00", "accepted", "rev@team.example")


def test_reading_a_role_puts_nobody_on_the_list(w):
    before = stored(w)
    with pytest.raises(CodError, match=OFF):
        w.acting(who("eve")).people.role()
    with pytest.raises(CodError, match=OFF):
        w.acting(Actor("This account", signed_in=True)).people.role()
    assert stored(w) == before


def test_who_is_not_a_member_is_not_let_in(w):
    with pytest.raises(CodError, match=OFF):
        w.acting(who("eve", name="eve@elsewhere.example")).people.admit()
    assert len(w.people.roles()) == 3


# ------------------------------------------------------------ accounts


@pytest.mark.parametrize("other", [{"subject": "another"}, {"issuer": "https://other.example"}])
def test_the_same_address_from_another_account_is_refused(w, pid, other):
    """An address that was given to somebody else, or a second provider, would inherit the role; an owner's too."""
    for name in ("ann", "rob"):
        with pytest.raises(CodError, match="Another account"):
            w.acting(who(name, **other)).people.admit()
        with pytest.raises(CodError, match="Another account"):
            w.acting(who(name, **other)).project(pid)


def test_who_an_owner_put_on_the_list_is_bound_to_the_first_account(w):
    w.acting(who("rob")).people.set_role("new@team.example", "reviewer", "rob@team.example")
    w.acting(who("new")).people.admit()
    assert w.acting(who("new")).people.role() == "reviewer"
    with pytest.raises(CodError, match="Another account"):
        w.acting(who("new", subject="another")).people.admit()


def test_who_was_on_the_list_before_accounts_were_kept_stays_in_their_role(w):
    """An update must not lock a team out."""
    people.set_role(w.db, "old@team.example", "reviewer", "rob@team.example")
    w.acting(who("old")).people.admit()
    assert w.acting(who("old")).people.role() == "reviewer" and people.is_bound(w.db, "old@team.example")


def test_a_copy_of_the_cookie_is_worth_nothing_after_signing_out(w, pid):
    """It was good for 30 days."""
    ann, again = who("ann"), who("ann", issued_at=1001.0)
    theirs = w.acting(ann).project(pid)
    w.acting(ann).people.sign_out()
    for act in (w.acting(ann).people.admit, lambda: theirs.curation.decide("c00", "accepted", ann.name)):
        with pytest.raises(CodError, match="signed out"):
            act()
    w.acting(again).people.admit()
    w.acting(again).project(pid).curation.decide("c00", "accepted", ann.name)
    w.acting(replace(ann, issued_at=900.0)).people.sign_out()
    w.acting(again).people.admit()


# ------------------------------------------------------------ what only owners may


def test_a_curator_does_nothing_that_only_owners_may(w, pid, tmp_path):
    """Each of these was open to curators: backups with names and raw replies, a folder loaded as a model, keys."""
    ann = w.acting(who("ann"))
    project, folder, before = ann.project(pid), str(tmp_path / "model"), stored(w)
    for act in (
        project.keeping.backup,
        project.keeping.archive,
        project.keeping.delete,
        lambda: ann.restore(b""),
        lambda: ann.duplicate(project, "Copy"),
        lambda: ann.people.set_role("ann@team.example", "owner", "ann@team.example"),
        lambda: ann.people.remove("rob@team.example"),
        lambda: project.endpoints.confirm("https://evil.example/v1"),
        lambda: project.endpoints.remember_key("https://evil.example/v1", "sk-1"),
        lambda: project.teacher.choose(read_choice({"kind": "transformers", "name": "org/model"})),
        lambda: project.teacher.choose(FinetunedChoice(folder)),
        lambda: project.teacher.choose(read_choice({"kind": "llm", "base_url": "https://evil.example/v1", "model": "m"}), key="sk-1"),
        lambda: project.exports.push_to_hub("me/set", "token"),
        lambda: project.students.distil(SweepPlan.of({"shots": [8], "encoder": folder})),
        lambda: project.training.finetune(FinetuneOptions(encoder=folder)),
        lambda: project.review.ask_opinions("ann@team.example", 1),
    ):
        with pytest.raises(CodError, match="Ask an owner"):
            act()
    assert stored(w) == before and project.endpoints.keys() == {}


@pytest.mark.parametrize(
    ("kind", "params"),
    [
        ("distill", {"shots": [8], "encoder": "/etc/model"}),
        ("distill", {"shots": [8], "encoder": "../model@4,6"}),
        ("finetune_teacher", {"encoder": "~/model.gguf"}),
        ("generate", {"k": 4, "encoder": "/etc/model"}),
        ("generate", {"k": 4, "generator": "llm", "llm": {"base_url": "https://evil.example/v1", "model": "m"}}),
        ("generate", {"k": 4, "generator": "llm", "llm": {"local": "/etc/model"}}),
        ("study", {"k": 4, "llm": {"local": "/etc/model"}}),
    ],
)
def test_a_job_is_refused_where_it_starts(w, pid, monkeypatch, kind, params):
    """A check on the page alone is passed by whoever starts the job otherwise; one in the worker comes after the files were read."""
    monkeypatch.setattr(queue, "start_worker", lambda *_, **__: pytest.fail("started"))
    before, jobs = stored(w), w.acting(who("ann")).project(pid).jobs
    with pytest.raises(CodError, match="Ask an owner"):
        jobs.start(kind, jobs.kinds[kind].read(params))
    assert stored(w) == before


def test_a_hub_name_and_the_projects_own_teacher_are_no_foreign_folder(w, pid):
    """The guard would lock curators out of what they are to do: distil, train a teacher on the texts."""
    project = w.acting(who("ann")).project(pid)
    project.students.check(SweepPlan.of({"shots": [8], "encoder": "all-MiniLM-L6-v2@4,6"}))
    project.students.check(SweepPlan.of({"shots": [8], "encoder": "org/model"}))
    project.teacher.may_choose(FinetunedChoice(str(project.place.folder("teachers") / "abc")))
    with pytest.raises(CodError, match="Ask an owner"):
        project.teacher.may_choose(FinetunedChoice(str(project.place.folder("teachers") / ".." / "other")))


@pytest.mark.parametrize(
    "teacher",
    [
        {"kind": "transformers", "name": "/etc/model"},
        {"kind": "finetuned", "path": "{teachers}/../../../other", "name": "x"},
        {"kind": "llm", "local": "./model.gguf"},
        {"kind": "generative", "local": None, "judge": {"kind": "finetuned", "path": "/etc/model"}},
    ],
)
def test_a_backup_brings_no_teacher_of_foreign_files(w, pid, teacher):
    """Whoever wrote the backup would have any folder of this machine loaded as a model, which only an owner may."""
    was = str(w.settings.home / "teachers" / pid)
    projects.set_teacher(w.db, pid, {k: v.replace("{teachers}", was) if isinstance(v, str) else v for k, v in teacher.items()})
    rob = w.acting(who("rob"))
    data = rob.project(pid).keeping.backup()
    assert w.project(rob.restore(data, fresh=True)).row.teacher is None
    copied = w.project(rob.duplicate(rob.project(pid), "Copy")).row.teacher

    def there(chosen):
        return {k: str(Path(v).resolve()) if k == "path" else v for k, v in chosen.items()}

    assert there(copied) == there(w.project(pid).row.teacher), "what an owner chose here stays chosen in a copy made here"


def test_a_backup_brings_its_own_teacher_and_one_by_name(w, pid):
    rob = w.acting(who("rob"))
    for teacher in ({"kind": "finetuned", "path": str(w.project(pid).place.folder("teachers") / "abc"), "name": "x"}, TEACHER):
        projects.set_teacher(w.db, pid, teacher)
        restored = rob.restore(rob.project(pid).keeping.backup(), fresh=True)
        kept = w.project(restored).row.teacher
        assert kept == {**teacher, **({"path": teacher["path"].replace(pid, restored)} if "path" in teacher else {})}


# ------------------------------------------------------------ jobs


def test_a_job_runs_as_who_started_it_and_not_for_a_removed_person(w, pid, tmp_path, monkeypatch):
    """Queue the work, be removed, and the worker did it all the same."""
    monkeypatch.setattr(queue, "start_worker", lambda *_, **__: 1)
    ann = w.acting(who("ann"))
    job_id = ann.project(pid).jobs.start("recheck")
    assert queue.get(w.db, job_id).actor == who("ann", issued_at=None)
    ann.people.sign_out()
    assert worker.main([job_id, "--home", str(tmp_path)], workspace=w) == "done", "who signs out lets their work go on"
    w.acting(who("ann", issued_at=1001.0)).people.admit()
    job_id = w.acting(who("ann", issued_at=1001.0)).project(pid).jobs.start("recheck")
    w.acting(who("rob")).people.remove("ann@team.example")
    assert worker.main([job_id, "--home", str(tmp_path)], workspace=w) == "failed"
    assert OFF in queue.get(w.db, job_id).error


def test_a_job_of_another_project_is_not_reached(w, pid, monkeypatch):
    """The id of a job is no key to it."""
    monkeypatch.setattr(queue, "start_worker", lambda *_, **__: 1)
    job_id = w.project(pid).jobs.start("recheck")
    other = w.project(w.create_project("Other", Task("t", LABELS)))
    for act in (other.jobs.cancel, other.jobs.resume):
        with pytest.raises(CodError, match="does not exist"):
            act(job_id)
    assert not queue.get(w.db, job_id).cancel


# ------------------------------------------------------------ one memory for all


def test_what_is_held_of_a_project_is_held_once_for_all_its_people(w, pid):
    """An index a person would cost each of them what 10,000 texts take to read."""
    ann, rob = (w.acting(who(name)).project(pid) for name in ("ann", "rob"))
    assert ann.pairs.snapshot().examples is rob.pairs.snapshot().examples and ann.pairs.state() is w.project(pid).pairs.state()
    cards = ann.cards.all(annotator="ann@team.example")
    assert all(a is b for a, b in zip(cards, rob.cards.all(annotator="rob@team.example")))
    rob.endpoints.confirm("https://model.example/v1", "sk-1")
    assert ann.endpoints.keys() == rob.endpoints.keys() != {}
    assert w.acting(who("ann")).project(pid) is not w.project(pid) and w.project(pid) is w.project(pid)


def test_without_sign_in_a_name_is_a_courtesy(tmp_path):
    """One person at one machine must never be locked out of their own folder."""
    w = Workspace(tmp_path)
    me = w.acting(Actor("me"))
    assert me.people.role() == "owner"
    me.people.set_role("ben", "curator", "me")
    assert w.acting(Actor("anybody")).people.role() == "curator" and w.people.role() == "owner"


# ------------------------------------------------------------ every guarded verb


def test_every_guarded_verb_refuses_a_removed_person_before_it_looks_at_anything(w, pid):
    """A verb that checks late may have written, sent or read something by then."""
    hers = w.acting(who("ann")).project(pid)
    w.acting(who("rob")).people.remove("ann@team.example")
    before, asked = stored(w), 0
    for room in vars(hers).values():
        for name in dir(room) if isinstance(room, Room) else ():
            if not name.startswith("_") and (act := getattr(getattr(type(room), name, None), "act", None)):
                assert act in roles.ALLOWED
                with pytest.raises(CodError, match=OFF):
                    getattr(room, name)()
                asked += 1
    assert asked > 50 and stored(w) == before


@pytest.mark.parametrize(("name", "role", "least"), [("ann", "curator", 10), ("rev", "reviewer", 5)])
def test_every_guarded_verb_refuses_a_role_that_may_not_before_it_looks_at_anything(w, pid, name, role, least):
    """A verb that a list of examples forgot would be open to everybody, whatever the screen hides."""
    theirs, before, asked = w.acting(who(name)).project(pid), stored(w), 0
    for room in vars(theirs).values():
        for verb in dir(room) if isinstance(room, Room) else ():
            act = getattr(getattr(type(room), verb, None), "act", None)
            if act and not verb.startswith("_") and role not in roles.ALLOWED[act]:
                with pytest.raises(CodError, match="Ask an owner"):
                    getattr(room, verb)()
                asked += 1
    assert asked >= least and stored(w) == before


# ------------------------------------------------------------ under whose name


def test_nothing_is_recorded_under_another_persons_name(w, pid):
    """A verb took whatever name it was given: a curator could decide, draft, correct and undo as somebody else."""
    ann, rev = w.acting(who("ann")).project(pid), w.acting(who("rev")).project(pid)
    rob, before = "rob@team.example", stored(w)
    plan = rev.review.plan_bulk("rev@team.example", ["e0"], "accepted")
    for act in (
        lambda: ann.curation.decide("c00", "accepted", rob),
        lambda: ann.curation.decide("c00", "accepted", annotator=rob),
        lambda: ann.curation.edit_and_accept("e0", None, "Other words.", rob, "because"),
        lambda: ann.curation.undo(rob),
        lambda: ann.curation.save_draft("e0", rob, None, "x"),
        lambda: ann.curation.drop_draft("e0", rob),
        lambda: ann.curation.draft("e0", rob),
        lambda: ann.curation.draft_of("e0", rob),
        lambda: ann.curation.accept_unattended(),
        lambda: ann.repair.correct("e0", LABELS[1], rob),
        lambda: ann.repair.keep("e0", rob),
        lambda: ann.repair.undo(rob),
        lambda: ann.presence.claim("b", rob, ["e0"]),
        lambda: ann.presence.record_location(rob, "curate", "e0"),
        lambda: rev.review.do_bulk(plan, rob),
        lambda: rev.review.ask_opinions(rob, 1),
        lambda: rev.review.adjudicate("e0", rob, rob),
        lambda: rev.guideline.write("Be brief.", rob),
        lambda: rev.guideline.queue_again(rob),
        lambda: w.acting(who("rob")).people.set_role("new@team.example", "owner", "ann@team.example"),
    ):
        with pytest.raises(CodError, match="would be recorded as"):
            act()
    assert stored(w) == before
    ann.curation.decide("c00", "accepted", "ann@team.example")
