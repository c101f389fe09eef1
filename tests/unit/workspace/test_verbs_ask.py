"""Every verb of the rooms that writes asks who calls it: read off the source, so that a new verb cannot be forgotten."""

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
STORES = ("items", "decisions", "projects", "guidelines", "leases", "people", "drafts", "runs", "cache", "portable", "queue", "deciding")
FILES = {"write_json", "write_whole", "rmtree", "unlink", "place.update"}
MACHINES_OWN = {
    "Clients.client": "replies of a model are kept as they come, by whichever guarded verb asks it",
    "Clients.by_batch": "keeps which batches are under way, for the guarded verb that asks",
    "TeacherLoader.memory_counter": "counts what the teacher was asked",
    "TeacherLoader.compose": "keeps the answers of a model as they come",
    "TeacherLoader.load": "keeps the answers of a model as they come",
    "Jobs.newest": "marks a job whose worker died",
    "LiveStrip.marker": "marks a job whose worker died",
    "Pairs.fresh_check": "keeps what the present teacher says of a proposal that is on the screen",
    "Fluency.ratios": "keeps what a model read",
    "Costs.measure_reading": "keeps a measurement, once, at the end of a guarded sweep",
    "Diagnostics.held_out_pairs": "keeps what a search outside the training texts found",
}


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def called(node: ast.AST):
    """What is called inside, as written."""
    yield from (ast.unparse(n.func) for n in ast.walk(node) if isinstance(n, ast.Call))


@cache
def writers() -> frozenset[str]:
    """module.function of the store, the queue and the decisions that open a transaction for writing, by any way."""
    found: set[str] = set()
    files = {p.stem: p for p in (ROOT / "cod_core/store").glob("*.py")}
    files |= {"queue": ROOT / "cod_core/jobs/queue.py", "deciding": ROOT / "cod_core/curation/decide.py"}
    bodies = {f"{stem}.{f.name}": f for stem, path in files.items() for f in tree_of(path).body if isinstance(f, ast.FunctionDef)}
    while True:
        more = {
            name
            for name, body in bodies.items()
            if any(c.endswith(".begin") or c in found or f"{name.split('.')[0]}.{c}" in found for c in called(body))
        } - found
        if not more:
            return frozenset(found)
        found |= more


def verbs():
    """(class, its methods by name) of every room and of the workspace and its people."""
    for path in [*(ROOT / "cod_core/project").rglob("*.py"), *(ROOT / "cod_core/workspace").glob("*.py")]:
        for node in tree_of(path).body:
            if isinstance(node, ast.ClassDef):
                base = [ast.unparse(b) for b in node.bases]
                if "Room" in base or node.name in ("Workspace", "People"):
                    yield node.name, {m.name: m for m in node.body if isinstance(m, ast.FunctionDef)}


def reached(methods: dict, name: str) -> set[str]:
    """This method and the private ones of its class that it calls."""
    found, todo = set(), [name]
    while todo:
        at = todo.pop()
        if at not in found:
            found.add(at)
            todo += [c.removeprefix("self.") for c in called(methods[at]) if c.startswith("self._") and c.removeprefix("self.") in methods]
    return found


def writes(methods: dict, name: str) -> bool:
    calls = {c for at in reached(methods, name) for c in called(methods[at])}
    return any(c in writers() or c.removeprefix("self.") in FILES or c.rpartition(".")[2] in FILES for c in calls) or any(
        c.startswith("table.") and c.replace("table.", "people.") in writers() for c in calls
    )


def asks(methods: dict, name: str) -> bool:
    guarded = any(ast.unparse(d).startswith("needs(") for d in methods[name].decorator_list)
    inside = {c for at in reached(methods, name) for c in called(methods[at])}
    return guarded or bool(inside & {"self.place.need", "self.people.need", "self.need"})


def test_every_verb_that_writes_asks_who_calls_it():
    """A new verb without the question is open to whoever was removed, and nobody would notice."""
    assert {"decisions.append_after", "items.add_examples", "queue.enqueue_alone", "deciding.bulk", "cache.put_reply"} <= writers()
    wanting, known = [], set()
    for name, methods in verbs():
        for verb in methods:
            if not verb.startswith("_") and writes(methods, verb) and not asks(methods, verb):
                known.add(f"{name}.{verb}")
                wanting += [f"{name}.{verb}"] * (f"{name}.{verb}" not in MACHINES_OWN)
    gate = {"People.admit", "People.sign_out"}
    assert set(wanting) == gate, f"verbs that write and do not ask: {sorted(set(wanting) - gate)}"
    assert set(MACHINES_OWN) <= known, f"no exceptions any more: {sorted(set(MACHINES_OWN) - known)}"


def test_every_verb_that_is_recorded_under_a_name_compares_it():
    """A new verb that takes a name and does not compare it lets everybody write as anybody."""
    names, wrong, seen = {"annotator", "by", "author", "person"}, [], 0
    for path in (ROOT / "cod_core" / "project").rglob("*.py"):
        for verb in (n for n in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(n, ast.FunctionDef)):
            guards = [d for d in verb.decorator_list if isinstance(d, ast.Call) and getattr(d.func, "id", "") == "needs"]
            named = names & {a.arg for a in (*verb.args.args, *verb.args.kwonlyargs)}
            if guards and named:
                seen += 1
                told = {ast.literal_eval(k.value) for g in guards for k in g.keywords if k.arg == "named"}
                if told != named:
                    wrong.append(f"{path.name}:{verb.lineno} {verb.name}")
    assert seen >= 16 and not wrong, wrong
