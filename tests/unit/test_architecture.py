"""The one-way rule of docs/architecture.md, read from the imports; and what importing the library loads."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LEVELS = [
    ("app", "pages", "ui"),
    ("cod_core.__main__", "cod_core.jobs.worker"),
    ("cod_core.commands",),
    ("cod_core.workspace",),
    ("cod_core.project",),
    (
        "cod_core.jobs.queue",
        "cod_core.jobs.order",
        "cod_core.jobs.processes",
        "cod_core.jobs.spare",
        "cod_core.jobs.service",
        "cod_core.distill",
        "cod_core.diagnostics",
        "cod_core.counterfactuals",
        "cod_core.curation",
        "cod_core.export",
    ),
    ("cod_core.models", "cod_core.data", "cod_core.store", "cod_core.figures", "cod_core.compute"),
    (
        "cod_core.types",
        "cod_core.errors",
        "cod_core.disk",
        "cod_core.said",
        "cod_core.text",
        "cod_core.progress",
        "cod_core.settings",
        "cod_core.roles",
    ),
]


def level_of(module: str) -> int | None:
    """Index of the module's level, None for what is not ours or stands outside (package docstrings)."""
    for index, names in enumerate(LEVELS):
        if any(module == name or module.startswith(name + ".") for name in names):
            return index
    return None


def imports_of(path: Path):
    """(line, module) of every import in a file, at any depth."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.lineno, node.module
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def sources():
    for folder in ("cod_core", "pages", "ui"):
        yield from (ROOT / folder).rglob("*.py")
    yield ROOT / "app.py"


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def test_imports_only_go_downwards():
    """A room that imports from above ties the library to the screens, silently, until it cannot be moved."""
    wrong = []
    for path in sources():
        own = level_of(module_name(path))
        for line, module in imports_of(path):
            other = level_of(module)
            if own is not None and other is not None and other < own:
                wrong.append(f"{path.relative_to(ROOT)}:{line} imports {module}")
    assert not wrong, "\n".join(wrong)


def test_every_module_of_the_library_has_a_level():
    """A new room that no level names would escape the rule."""
    outside = {"cod_core", "cod_core.jobs"}
    homeless = [name for path in (ROOT / "cod_core").rglob("*.py") if level_of(name := module_name(path)) is None and name not in outside]
    assert not homeless


def test_the_library_never_imports_streamlit():
    wrong = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in (ROOT / "cod_core").rglob("*.py")
        for line, module in imports_of(path)
        if module.split(".")[0] == "streamlit"
    ]
    assert not wrong


def test_a_students_name_is_taken_apart_in_one_place():
    """What a kind of student can do is asked of distill/kinds.py: a kind added there would be forgotten wherever names are compared."""
    taken_apart = re.compile(r"""\.student(\.(startswith|partition|split)\b| (==|!=|in|not in) )""")
    files = [path for path in sources() if path.name != "kinds.py"] + list((ROOT / "benchmarks").glob("*.py"))
    assert not [str(path.relative_to(ROOT)) for path in files if taken_apart.search(path.read_text(encoding="utf-8"))]


@pytest.mark.slow
def test_opening_a_workspace_loads_no_heavy_package(tmp_path):
    """First paint in 2 s: torch alone takes longer than that to import."""
    code = (
        "import sys; from cod_core.workspace import Workspace; Workspace(sys.argv[1]).projects(); "
        "print([m for m in ('torch','transformers','datasets','sklearn','streamlit','pandas','peft') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.strip() == "[]", done.stdout + done.stderr


def test_modules_stay_readable():
    """A file beyond 400 lines has stopped answering one question."""
    long = {str(path.relative_to(ROOT)): n for path in sources() if (n := len(path.read_text().splitlines())) > 400}
    assert not long


def test_every_page_opens_through_app():
    """Streamlit runs a file of pages/ itself on the first address after a start: past the sign-in, without the frame."""
    wanting = [path.name for path in (ROOT / "pages").glob("*.py") if "\nlayout.through_app()\n" not in path.read_text()]
    assert not wanting


# ------------------------------------------------------------ the rooms of a project


def rooms() -> dict[str, str]:
    """Class of each room -> its attribute, in the order in which project.py wires them."""
    tree = ast.parse((ROOT / "cod_core" / "project" / "project.py").read_text(encoding="utf-8"))
    made = [n for n in ast.walk(tree) if isinstance(n, ast.Assign) and isinstance(n.value, ast.Call) and isinstance(n.value.func, ast.Name)]
    made.sort(key=lambda n: n.lineno)
    return {n.value.func.id: n.targets[0].attr for n in made if isinstance(n.targets[0], ast.Attribute)}


def room_modules() -> dict[str, str]:
    """Module of each room -> the class that it holds."""
    tree = ast.parse((ROOT / "cod_core" / "project" / "project.py").read_text(encoding="utf-8"))
    known = rooms()
    return {
        node.module: alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
        if alias.name in known
    }


def test_a_room_asks_only_rooms_above_it():
    """Two rooms that ask each other are one room with two names: ten mixins stood in such a circle once."""
    modules, order = room_modules(), list(rooms())
    wrong = []
    for module, own in modules.items():
        path = ROOT / (module.replace(".", "/") + ".py")
        for line, other in imports_of(path):
            if other in modules and other != module and order.index(modules[other]) > order.index(own):
                wrong.append(f"{path.relative_to(ROOT)}:{line} imports {other}, which project.py wires later")
    assert not wrong, "\n".join(wrong)


def test_no_two_modules_of_a_project_import_each_other():
    """What is no room (values, files, specs) may not tie two rooms into a circle either."""
    graph = {}
    for path in (ROOT / "cod_core" / "project").rglob("*.py"):
        graph[module_name(path)] = {m for _, m in imports_of(path)}
    graph = {name: {m for m in found if m in graph and m != name} for name, found in graph.items()}
    free: set[str] = set()
    while more := {name for name, needs in graph.items() if name not in free and needs <= free}:
        free |= more
    assert set(graph) == free, f"a circle among: {', '.join(sorted(set(graph) - free))}"


def classes():
    for path in sources():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                yield path, node


def test_no_class_does_everything():
    """One class had 207 public methods and 36 bases; nobody could hold it in the head, and no checker could follow it."""
    ours = {node.name for _, node in classes()}
    wrong = []
    for path, node in classes():
        public = sum(isinstance(m, ast.FunctionDef) and not m.name.startswith("_") for m in node.body)
        bases = sum(isinstance(b, ast.Name) and b.id in ours for b in node.bases)
        if public > 30 or bases > 2:
            wrong.append(f"{path.relative_to(ROOT)}: {node.name} has {public} public methods and {bases} bases of ours")
    assert not wrong, "\n".join(wrong)


OTHERS_OWN = {
    "_modules": "torch's table of a module's parts",
    "_replace": "a method of every named tuple",
    "_get": "gguf's reader, inherited",
    "_exit": "os's way to end a process from a thread",
}


def own_private_names(tree: ast.AST) -> set[str]:
    """Private names that a file's own classes and functions define."""
    functions = {n.name for n in ast.walk(tree) if isinstance(n, (ast.FunctionDef, ast.ClassDef))}
    stored = {n.attr for n in ast.walk(tree) if isinstance(n, ast.Attribute) and isinstance(n.ctx, ast.Store)}
    fields = {n.target.id for n in ast.walk(tree) if isinstance(n, ast.AnnAssign) and isinstance(n.target, ast.Name)}
    return {name for name in functions | stored | fields if name.startswith("_")} | set(OTHERS_OWN)


def test_nobody_reaches_into_anothers_private_names():
    """A private name that somebody else uses is public, and unnamed as such."""
    wrong = []
    for path in sources():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        own = own_private_names(tree)
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and node.attr.startswith("_") and not node.attr.startswith("__"):
                if node.attr not in own:
                    wrong.append(f"{path.relative_to(ROOT)}:{node.lineno} {ast.unparse(node)}")
            elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith(("cod_core", "ui")):
                private = [a.name for a in node.names if a.name.startswith("_") and not a.name.startswith("__")]
                wrong += [f"{path.relative_to(ROOT)}:{node.lineno} imports {name}" for name in private]
    assert not wrong, "\n".join(wrong)


def branches(function: ast.AST) -> int:
    """How often a function branches: what ruff's complexity leaves out, comprehensions and boolean operands, included."""
    count = 0
    for node in ast.walk(function):
        count += isinstance(node, (ast.If, ast.For, ast.While, ast.IfExp, ast.ExceptHandler, ast.With, ast.Assert, ast.comprehension))
        count += len(node.values) - 1 if isinstance(node, ast.BoolOp) else 0
        count += len(node.ifs) if isinstance(node, ast.comprehension) else 0
    return count


def test_functions_can_be_held_in_the_head():
    """Six functions branched thirty times and more, and nobody changed one of them without breaking another case."""
    wrong = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name} branches {n} times: make named steps of it"
        for path in sources()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef) and (n := branches(node)) > 15
    ]
    assert not wrong, "\n".join(wrong)
