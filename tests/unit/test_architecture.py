"""The one-way rule of docs/architecture.md, read from the imports; and what importing the library loads."""

import ast
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
    (
        "cod_core.jobs.queue",
        "cod_core.jobs.processes",
        "cod_core.distill",
        "cod_core.diagnostics",
        "cod_core.counterfactuals",
        "cod_core.curation",
        "cod_core.export",
    ),
    ("cod_core.models", "cod_core.data", "cod_core.store", "cod_core.figures"),
    ("cod_core.types", "cod_core.errors", "cod_core.text", "cod_core.progress", "cod_core.settings", "cod_core.roles"),
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


def test_no_verb_of_the_workspace_is_defined_twice():
    """The mixins share one namespace: a second verb of the same name silently takes the place of the first."""
    from cod_core.workspace import Workspace

    found = [(name, one.__name__) for one in Workspace.__mro__[:-1] for name in vars(one) if not name.startswith("__")]
    names = [name for name, _ in found]
    assert not [pair for pair in found if names.count(pair[0]) > 1]
