"""Versioned prompt templates for counterfactuals: any task, any labels, the text fenced off as data.

Templates are TOML files beside this module; a published one is never changed, a better one gets a new version.
Knows no endpoint. Wordings are our own; the four variants follow METHOD.md section 1, and the default asks for
the deciding words first, which in published sets makes edits a fourth of the size.
"""

import tomllib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from string import Template

from cod_core.errors import BadInput
from cod_core.models.chat import fence
from cod_core.types import Task

FOLDER = Path(__file__).parent / "templates"
DEFAULT_TEMPLATE = "decisive_words"


@dataclass(frozen=True)
class PromptTemplate:
    """id and version name it; title says in plain words what it asks; worked is its example, or empty."""

    id: str
    version: str
    title: str
    system: str
    user: str
    worked: str = ""


@dataclass(frozen=True)
class Prompt:
    """A template filled in for one text: what is sent, word for word."""

    template_id: str
    version: str
    system: str
    user: str

    @property
    def messages(self) -> tuple[tuple[str, str], ...]:
        """(role, content) pairs in the order sent."""
        return ("system", self.system), ("user", self.user)

    @property
    def shown(self) -> str:
        """The prompt as a person is shown it before anything is sent."""
        return f"[system]\n{self.system}\n\n[user]\n{self.user}"


@lru_cache(maxsize=1)
def templates() -> dict[str, PromptTemplate]:
    """Every template by its id, the newest version of each; '<id>_v<version>' names an older one."""
    found: dict[str, PromptTemplate] = {}
    for path in sorted(FOLDER.glob("*.toml")):
        values = tomllib.loads(path.read_text(encoding="utf-8"))
        made = PromptTemplate(values["id"], values["version"], values["title"], values["system"].strip(),
                              values["user"].strip(), values["worked"])
        found[path.stem] = made
        newest = found.get(made.id)
        if newest is None or int(newest.version) < int(made.version):
            found[made.id] = made
    return found


def template(name: str = DEFAULT_TEMPLATE) -> PromptTemplate:
    """A template by id, or by id and version. Raises BadInput naming those that exist."""
    known = templates()
    if name not in known:
        names = sorted({one.id for one in known.values()})
        raise BadInput(f"There is no prompt called {name!r}. Choose one of: {', '.join(names)}.")
    return known[name]


def label_lines(task: Task) -> str:
    """The labels with their descriptions, one a line."""
    descriptions = task.descriptions or ("",) * len(task.labels)
    pairs = zip(task.labels, descriptions, strict=True)
    return "\n".join(f"- {label}: {about}" if about else f"- {label}" for label, about in pairs)


def render(task: Task, text: str, source: str, target: str, name: str = DEFAULT_TEMPLATE, keep: tuple[str, ...] = (),
           worked: tuple[str, str] | None = None) -> Prompt:
    """The prompt for one text. source: its class now. keep: phrases of the text that must stay as they are.

    worked: a (before, after) pair of the person's own in place of the template's example. Raises BadInput where a
    label is not the task's, source equals target, or a phrase to keep does not occur in the text.
    """
    for label in (source, target):
        if label not in task.labels:
            raise BadInput(f"{label!r} is not a label of this project. Its labels are: {', '.join(task.labels)}.")
    if source == target:
        raise BadInput(f"A counterfactual changes the class, but both are {source!r}. Choose another target.")
    missing = [phrase for phrase in keep if phrase not in text]
    if missing:
        raise BadInput(f"The phrase {missing[0]!r} does not occur in the text, so it cannot be kept. Copy it exactly.")
    chosen = template(name)
    example = chosen.worked.rstrip("\n") if chosen.worked.strip() else ""
    if worked is not None:
        example = f"\nA pair from this project:\nbefore: {worked[0]}\nafter: {worked[1]}\n"
    values = {
        "task": task.name, "labels": label_lines(task), "source": source, "target": target, "text": text,
        "fence": fence(text), "worked": example,
        "keep": "".join(f'Leave this phrase exactly as it is: "{phrase}"\n' for phrase in keep),
    }
    # values are put in once and never read as templates themselves, so a text with ${...} stays a text
    return Prompt(chosen.id, chosen.version, Template(chosen.system).substitute(values),
                  Template(chosen.user).substitute(values))
