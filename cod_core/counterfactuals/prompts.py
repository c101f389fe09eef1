"""Versioned prompt templates for counterfactuals: any task, any labels, the text fenced off as data.

Templates are TOML files beside this module; a published one is never changed, a better one gets a new version.
Knows no endpoint. Wordings are our own; the base prompt and its four variants follow docs/method.md section 1, and the
default asks for the deciding words first, which in published sets makes edits a fourth of the size.
"""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from string import Template
from typing import Any

from rapidfuzz.distance import Levenshtein

from cod_core.errors import BadInput
from cod_core.models.chat import Messages, fence
from cod_core.text import token_spans, tokens
from cod_core.types import Prediction, Task

FOLDER = Path(__file__).parent / "templates"
DEFAULT_TEMPLATE = "decisive_words"
LINE_TEMPLATE = "continue_pairs"  # for language models that were not made for conversation
_DEMONSTRATION = '\nA pair from this project, from "${source}" to "${target}":\nbefore: ${before}\nafter: ${after}\n'
ONE_LINE = ("line", "edits")
REPLY_SCHEMA = {
    "type": "json_schema",
    "json_schema": {
        "name": "counterfactual",
        "strict": True,
        "schema": {
            "type": "object",
            "additionalProperties": False,
            "required": ["decisive_words", "counterfactual"],
            "properties": {"decisive_words": {"type": "array", "items": {"type": "string"}}, "counterfactual": {"type": "string"}},
        },
    },
}


@dataclass(frozen=True)
class PromptTemplate:
    """id and version name it; title says in plain words what it asks; worked is its example, or empty.

    shape of the reply: text, json (asked for as a structured reply where the endpoint can), or for models that only
    continue: line (the text on the rest of the line) and edits ("words -> other words ; ..."). demonstration: how
    one accepted pair is shown. kind: first, or turn for a template that follows a reply.
    """

    id: str
    version: str
    title: str
    system: str
    user: str
    worked: str = ""
    shape: str = "text"
    demonstration: str = _DEMONSTRATION
    kind: str = "first"


@dataclass(frozen=True)
class Demonstration:
    """A pair shown as an example: before has the class source, after the class target."""

    before: str
    after: str
    source: str
    target: str


@dataclass(frozen=True)
class LastTry:
    """A reply that was not good enough, for a second turn. text: as read from it; verdict: the teacher's, if asked.

    words: of it, that still speak for the old class. stay: what must stay as it is. fault: what is wrong with a text that
    flips, as a clause after "but".
    """

    reply: str
    text: str
    verdict: Prediction | None = None
    words: tuple[str, ...] = ()
    stay: tuple[str, ...] = ()
    fault: str = ""


@dataclass(frozen=True)
class Prompt:
    """A template filled in for one text: what is sent, word for word."""

    template_id: str
    version: str
    system: str
    user: str
    turns: Messages = ()
    shape: str = "text"

    @property
    def messages(self) -> Messages:
        """(role, content) pairs in the order sent."""
        first = (("system", self.system), ("user", self.user)) if self.system else (("user", self.user),)
        return (*first, *self.turns)

    @property
    def response_format(self) -> dict[str, Any] | None:
        """The schema of a structured reply, None where plain text is asked for."""
        return REPLY_SCHEMA if self.shape == "json" else None

    @property
    def shown(self) -> str:
        """The prompt as a person is shown it before anything is sent."""
        return "\n\n".join(f"[{role}]\n{content}" for role, content in self.messages)


@lru_cache(maxsize=1)
def templates() -> dict[str, PromptTemplate]:
    """Every template by its id, the newest version of each; '<id>_v<version>' names an older one."""
    found: dict[str, PromptTemplate] = {}
    for path in sorted(FOLDER.glob("*.toml")):
        values = tomllib.loads(path.read_text(encoding="utf-8"))
        shape = values.get("shape") or ("json" if '"counterfactual"' in values["user"] else "text")
        made = PromptTemplate(
            values["id"],
            values["version"],
            values["title"],
            values.get("system", "").strip(),
            values["user"].strip(),
            values.get("worked", ""),
            shape,
            values.get("demonstration", _DEMONSTRATION),
            values.get("kind", "first"),
        )
        found[path.stem] = made
        newest = found.get(made.id)
        if newest is None or int(newest.version) < int(made.version):
            found[made.id] = made
    return found


def choices() -> dict[str, str]:
    """Template id -> title, of those that begin a conversation, the default first."""
    ids = sorted({t.id for t in templates().values() if t.kind == "first"}, key=lambda i: (i != DEFAULT_TEMPLATE, i))
    return {i: templates()[i].title for i in ids}


def template(name: str = DEFAULT_TEMPLATE) -> PromptTemplate:
    """A template by id, or by id and version. Raises BadInput naming those that exist."""
    known = templates()
    if name not in known:
        raise BadInput(f"There is no prompt called {name!r}. Choose one of: {', '.join(choices())}.")
    return known[name]


def label_lines(task: Task) -> str:
    """The labels with their descriptions, one a line."""
    descriptions = task.descriptions or ("",) * len(task.labels)
    pairs = zip(task.labels, descriptions, strict=True)
    return "\n".join(f"- {label}: {about}" if about else f"- {label}" for label, about in pairs)


def render(
    task: Task,
    text: str,
    source: str,
    target: str,
    name: str = DEFAULT_TEMPLATE,
    keep: tuple[str, ...] = (),
    demonstrations: Sequence[Demonstration] = (),
    last: LastTry | None = None,
) -> Prompt:
    """The prompt for one text. source: its class now. keep: phrases of the text that must stay as they are.

    demonstrations: pairs of the project in place of the template's example. last: a try that is to be bettered; the
    prompt then goes on after its reply. Raises BadInput where a label is not the task's, source equals target, or a
    phrase to keep does not occur in the text.
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
    line = chosen.shape in ONE_LINE
    values = {
        "task": task.name,
        "labels": label_lines(task),
        "source": source,
        "target": target,
        "text": _one_line(text) if line else text,
        "fence": fence(text),
        "worked": _examples(chosen, demonstrations, text),
        "keep": "".join(f'Leave this phrase exactly as it is: "{phrase}"\n' for phrase in keep),
    }
    # values are put in once and never read as templates themselves, so a text with ${...} stays a text
    turns = () if last is None or line else _turns(last, values)
    return Prompt(
        chosen.id, chosen.version, Template(chosen.system).substitute(values), Template(chosen.user).substitute(values), turns, chosen.shape
    )


def _examples(chosen: PromptTemplate, demonstrations: Sequence[Demonstration], text: str) -> str:
    demonstrations = [d for d in demonstrations if d.before != text]  # a text's own pair would be copied
    if not demonstrations:
        return chosen.worked.rstrip("\n") if chosen.worked.strip() else ""
    line = chosen.shape in ONE_LINE
    shown = []
    for d in demonstrations:
        before, after = (_one_line(d.before), _one_line(d.after)) if line else (d.before, d.after)
        shown.append(
            Template(chosen.demonstration).substitute(
                before=before, after=after, source=d.source, target=d.target, edits=named_edits(before, after)
            )
        )
    if chosen.shape == "edits":
        return chosen.worked.rstrip("\n") + "\n" + "\n".join(one.rstrip("\n") for one in shown)
    return "\n".join(one.strip("\n") for one in shown) if line else "".join(shown)


def named_edits(before: str, after: str) -> str:
    """What was changed, as 'old words -> new words ; ...': an insertion or deletion takes a neighbour along."""
    spans, words = token_spans(before), tokens(after)
    said = []
    for edit in Levenshtein.opcodes(tokens(before), words):
        if edit.tag == "equal":
            continue
        a, b, c, d = edit.src_start, edit.src_end, edit.dest_start, edit.dest_end
        if a == b or c == d:  # nothing on one side: say it with the word before, or the word after
            a, c = (a - 1, c - 1) if a and c else (a, c)
            b, d = (b, d) if a < b and c < d else (min(b + 1, len(spans)), min(d + 1, len(words)))
        if a < b:
            said.append(f"{before[spans[a][0] : spans[b - 1][1]]} -> {' '.join(words[c:d])}")
    return " ; ".join(said)


def _turns(last: LastTry, values: dict[str, str]) -> Messages:
    """The reply that was not good enough, and what is said about it."""
    if last.verdict is None:
        chosen = template("keep_phrase")
    else:  # a turn without words is asked as it was before there were any, so that its replies on record are found
        chosen = template("smooth" if last.fault else "repair" if last.words or last.stay else "repair_v1")
    if last.verdict is not None:
        sure = last.verdict.prob(last.verdict.label)
        values = values | {
            "verdict": last.verdict.label,
            "percent": f"{sure:.0%}".rstrip("%"),
            "target_percent": f"{last.verdict.prob(values['target']):.0%}".rstrip("%"),
            "words": f'These words of it still speak for "{last.verdict.label}": {_listed(last.words)}.\n' if last.words else "",
            "stay": f"These must stay exactly as they are: {_listed(last.stay)}.\n" if last.stay else "",
            "fault": last.fault,
        }
    return (("assistant", last.reply), ("user", Template(chosen.user).substitute(values)))


def _listed(words: Sequence[str]) -> str:
    return ", ".join(f'"{_one_line(word)}"' for word in words)


def _one_line(text: str) -> str:
    """A text as one line, since a line's end is where the model is to stop."""
    return " ".join(text.split())
