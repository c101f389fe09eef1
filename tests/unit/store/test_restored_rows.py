"""What a backup brings in changes nothing for any other project: a backup is a file that anybody can have written."""

from cod_core.store import cache, portable, projects
from cod_core.text import text_hash
from cod_core.types import Task

TASK = Task("Good or bad?", ("negative", "positive"))
WAS = "00000000deadbeef"
PROJECT = {
    "id": WAS,
    "name": "From elsewhere",
    "task": {"name": "Good or bad?", "labels": ["negative", "positive"], "descriptions": [], "guideline_version": 1},
    "teacher": None,
    "settings": {},
    "created_at": "2026-01-01T00:00:00Z",
    "archived_at": None,
}


def restored(db, **tables) -> str:
    return portable.load(db, dict(PROJECT), lambda table: iter(tables.get(table, ())), lambda old: projects.new_id())


def reply(key: str, text: str) -> dict:
    return {"key": key, "reply": {"text": text}, "created_at": "2026-01-01T00:00:00Z"}


def told(db, pid: str) -> dict[str, dict]:
    with db.read() as c:
        return {row["key"]: row["reply"] for row in portable.rows(c, pid, "replies")}


def test_a_prediction_in_a_backup_is_nobodys_verdict(db):
    """Prevents (proven): one forged row made the built-in teacher say "negative .9999" in another project, where it says positive."""
    text = text_hash("A fine film.")
    restored(db, predictions=[{"classifier_id": "builtin:movies", "revision": "r", "text_hash": text, "logprobs": [-0.0001, -9.2]}])
    assert cache.get_predictions(db, "builtin:movies", "r", [text]) == {}


def test_a_reply_in_a_backup_is_read_by_its_own_project_alone(db):
    """Prevents: the same forgery through the replies, from which a language model's verdicts and answers are read."""
    pid = restored(db, replies=[reply("paid", "forged")])
    assert cache.get_reply(db, "paid") is None and cache.get_reply(db, "paid", projects.new_id()) is None
    assert cache.get_reply(db, "paid", pid) == {"text": "forged"}, "what was paid for is not asked again"


def test_what_was_asked_here_goes_before_what_came_in(db):
    """Prevents: a restored reply hides the one that the endpoint gave on this machine."""
    pid = restored(db, replies=[reply("paid", "forged")])
    cache.put_reply(db, projects.create_project(db, "Mine", TASK), "paid", {"text": "real"})
    assert cache.get_reply(db, "paid", pid) == cache.get_reply(db, "paid") == {"text": "real"}


def test_a_forged_reply_never_takes_over_the_place_of_a_real_one(db):
    """Prevents: copies take a key over when its project is deleted; a forged "copy" would become everybody's reply then."""
    mine = projects.create_project(db, "Mine", TASK)
    cache.put_reply(db, mine, "paid", {"text": "real"})
    pid = restored(db, replies=[reply("paid", "forged"), reply(f"copy:{WAS}:other", "forged"), reply("copy:feedbeef:third", "forged")])
    projects.delete_project(db, mine)
    assert cache.get_reply(db, "paid") is None and cache.get_reply(db, "paid", pid) == {"text": "forged"}
    assert cache.get_reply(db, "other") is None and cache.get_reply(db, "third") is None


def test_a_copy_of_a_real_reply_still_takes_its_place_over(db):
    """Prevents: a project duplicated here pays again for what its original was told, once the original is deleted."""
    mine = projects.create_project(db, "Mine", TASK)
    cache.put_reply(db, mine, "paid", {"text": "real"})
    restored(db, replies=[reply("paid", "real")])
    projects.delete_project(db, mine)
    assert cache.get_reply(db, "paid") == {"text": "real"}


def test_another_projects_bookkeeping_cannot_be_written(db):
    """Prevents: a row that names another project's id in its key says there what was tried, counted or found."""
    victim = projects.create_project(db, "Mine", TASK)
    pid = restored(db, replies=[reply(f"failed:{victim}:x", "forged"), reply(f"failed:{WAS}:x", "own"), reply("pace:x", "forged")])
    assert cache.get_reply(db, f"failed:{victim}:x") is None and cache.get_reply(db, "pace:x") is None
    assert cache.get_reply(db, f"failed:{pid}:x") == {"text": "own"}


def test_what_came_in_goes_out_and_in_again(db):
    """Prevents: a second backup loses the replies of the first, or makes them everybody's."""
    pid = restored(db, replies=[reply("paid", "told elsewhere")])
    rows = [{"key": key, "reply": value, "created_at": ""} for key, value in told(db, pid).items()]
    again = portable.load(db, dict(PROJECT), lambda t: iter(rows if t == "replies" else ()), lambda old: projects.new_id(), was=pid)
    assert cache.get_reply(db, "paid", again) == {"text": "told elsewhere"} and cache.get_reply(db, "paid") is None


def test_a_restored_project_always_has_a_new_id_of_one_length(db):
    """Prevents (proven): an id that is the beginning of another project's, whose models are erased with it."""
    short = {**PROJECT, "id": "00000000"}
    first = portable.load(db, dict(short), lambda t: iter(()), lambda old: projects.new_id())
    second = portable.load(db, dict(short), lambda t: iter(()), lambda old: projects.new_id())
    assert first != second and projects.is_id(first) and projects.is_id(second)
    for bad in ("00000000", "../../x", "0" * 17):
        try:
            portable.load(db, dict(short), lambda t: iter(()), lambda old, bad=bad: bad)
        except ValueError:
            continue
        raise AssertionError(f"{bad} was taken for an id")


def test_what_a_project_keeps_under_its_own_id_is_found_after_a_restore(tmp_path):
    """Keys that hashed the project's id were lost: held-out searches were done again, and the electricity of students was 0."""
    from cod_core.project.students.costs import _reading
    from cod_core.store import cache
    from cod_core.types import Task
    from cod_core.workspace import Workspace

    w = Workspace(tmp_path / "own-ids")
    pid = w.create_project("P", Task("t", ("a", "b")))
    for key in (_reading(pid, "r", "e"), f"heldout:{pid}:abc"):
        cache.put_reply(w.db, pid, key, {"teacher": 1.0, "encoder": 2.0})
    new = w.restore(w.project(pid).keeping.backup())
    assert cache.get_reply(w.db, _reading(new, "r", "e")) == {"teacher": 1.0, "encoder": 2.0} == cache.get_reply(w.db, f"heldout:{new}:abc")
