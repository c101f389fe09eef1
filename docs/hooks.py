"""What the site's pages take from the program while they are built: the commands with their options, the rooms of a project."""

import ast
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]


def commands() -> str:
    """Every command of `cod` with its options, as Markdown."""
    sys.path.insert(0, str(ROOT))  # here: mkdocs puts the path back after it has read this file
    import typer
    from typer.cli import get_docs_for_click

    from cod_core.__main__ import app

    command = typer.main.get_command(app)
    printed = get_docs_for_click(obj=command, ctx=typer.Context(command, info_name="cod"), name="cod")
    return printed.replace("# `cod`\n", "", 1).replace("&#x27;", "'")


def rooms() -> list[tuple[str, str]]:
    """(attribute of a project, dotted name of the room's class), in the order in which they are wired."""
    tree = ast.parse((ROOT / "cod_core" / "project" / "project.py").read_text(encoding="utf-8"))
    module = {alias.name: node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names}
    wired = [
        (node.lineno, node.targets[0].attr, node.value.func.id)
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Attribute)
        and isinstance(node.value, ast.Call)
        and isinstance(node.value.func, ast.Name)
    ]
    return [(room, f"{module[name]}.{name}") for _, room, name in sorted(wired) if name in module]


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Fill the places that a page leaves for the program."""
    if "{{ commands }}" in markdown:
        markdown = markdown.replace("{{ commands }}", commands())
    if "{{ rooms }}" in markdown:
        told = "\n".join(f"## project.{room}\n\n::: {name}\n    options:\n      show_root_heading: false\n" for room, name in rooms())
        markdown = markdown.replace("{{ rooms }}", told)
    return markdown
