"""No text, whoever sent it, holds the server: every pattern and every reader of texts takes time in proportion to a text.

One server thread serves everybody, and a pattern in Python holds them all. White space in a reply held every session for 40 s.
"""

import ast
import functools
import importlib
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from cod_core.counterfactuals import effort, imported, languages, replies
from cod_core.data import json_rows, parsing, reading, sentences, tables
from cod_core.errors import BadInput
from cod_core.export import card, flat, personal
from cod_core.models import endpoint_errors, llm_teacher, reply_tags
from cod_core.settings import MAX_REPLY_CHARS
from cod_core.text import diff, folded, letters, tokens

ROOT = Path(__file__).parents[2]
LONG, MOST_S = 20_000, 0.1
UNITS = (
    *"\n \t<[({\"'-_*+.&#1aA中\u0301\u00a0\u2003\u202e",
    *(
        "\r\n",
        " \n",
        "\n (",
        "a ",
        "a-",
        "a@",
        "1 ",
        "1-",
        "1.",
        "1,",
        "+1",
        "(0",
        "AB12",
        "A1 ",
        "```\n",
        "```a",
        "<think>",
        "<text>",
        "</new>",
        "</think>",
        "<|channel|>final",
        "{'text':'",
    ),
    *(
        "<br ",
        "{a",
        '{"',
        '{"a":[',
        "[[",
        "}{",
        "a->b ;",
        "note ",
        "sure ",
        "answer:",
        "Bearer ",
        "sk-",
        "case ",
        "born ",
        "!a",
        ". ",
        "x@y.",
    ),
    *("( texts scored)", "1 replaced", "\n\nnote", "\n \nnot", "000-00-", "127.0.0.", "a_"),
)
ENDS = (("", ""), ("", "!"), ("sure", "x"), ("<text>", "</txt>"), ("{(1", "x"), ("&#", ";"))
WAITING: set[str] = set()  # files with a pattern that is known to be slow; one that is mended must leave this set


def nasty(unit: str, n: int) -> list[str]:
    body = unit * (n // len(unit))
    return [before + body + after for before, after in ENDS]


def is_slow(use) -> str:
    """The first input, short ones first, for which `use` takes too long; '' if there is none. Of two measurements the better."""
    for n in (400, LONG):  # a cubic pattern shows itself before it takes a day
        for unit in UNITS:
            for text in nasty(unit, n):
                if all(_seconds(use, text) > MOST_S for _ in range(4)):  # a busy neighbour is not the reader's fault
                    return f"{n} characters of {unit!r} between {text[:6]!r} and {text[-6:]!r}"
    return ""


def _seconds(use, text: str) -> float:
    started = time.thread_time()
    try:
        use(text)
    except BadInput:
        pass
    return time.thread_time() - started


@functools.cache
def sources() -> list[Path]:
    return [*(ROOT / "cod_core").rglob("*.py"), *(ROOT / "ui").rglob("*.py"), *(ROOT / "pages").rglob("*.py"), ROOT / "app.py"]


CALLS = ("compile", "sub", "split", "match", "search", "fullmatch", "findall", "finditer", "subn")


@functools.cache
def calls(path: Path) -> tuple[tuple[int, str, ast.Call], ...]:
    """(line, library, call) of every use of re or regex that begins with a pattern."""
    text = path.read_text(encoding="utf-8")
    if "import re" not in text:
        return ()
    found = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call) and isinstance(f := node.func, ast.Attribute) and isinstance(f.value, ast.Name):
            if f.value.id in ("re", "regex") and f.attr in CALLS:
                found.append((node.lineno, f.value.id, node))
    return tuple(found)


@functools.cache
def used() -> dict[str, set[str]]:
    """Name of a pattern -> the methods that the project calls on it."""
    found: dict[str, set[str]] = {}
    for path in sources():
        for name, method in re.findall(rf"\b(\w+)\.({'|'.join(CALLS)})\(", path.read_text(encoding="utf-8")):
            found.setdefault(name, set()).add(method)
    return found


def written_out() -> Iterator[tuple[str, Any, set[str]]]:
    """(where, pattern, methods) of every pattern that stands in a call as one string."""
    for path in sources():
        for line, library, call in calls(path):
            if isinstance(call.args[0], ast.Constant) and call.func.attr != "compile":
                flags = [ast.unparse(a) for a in (*call.args[1:], *(k.value for k in call.keywords)) if "re." in ast.unparse(a)]
                flag = eval(flags[0], {"re": re, "regex": regex}) if flags and re.fullmatch(r"re[\w.| ]+", flags[0]) else 0
                yield (
                    f"{path.relative_to(ROOT)}:{line}",
                    {"re": re, "regex": regex}[library].compile(call.args[0].value, flag),
                    {call.func.attr},
                )


def at_module_level() -> Iterator[tuple[str, Any, set[str]]]:
    """(where, pattern, methods) of every compiled pattern that a module holds, also those put together from parts."""
    for path in sources():
        if not any(call.func.attr == "compile" for _, _, call in calls(path)):
            continue
        module = importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
        for name, value in vars(module).items():
            for key, item in value.items() if isinstance(value, dict) else [("", value)]:
                if isinstance(item, (re.Pattern, regex.Pattern)):
                    yield f"{module.__name__}.{name}{key and f'[{key}]'}", item, used().get(name) or {"finditer", "fullmatch"}


PATTERNS = {where: (pattern, methods) for where, pattern, methods in (*written_out(), *at_module_level())}


@pytest.mark.slow
@pytest.mark.parametrize("where", PATTERNS)
def test_every_pattern_of_the_project_takes_time_in_proportion(where):
    """Prevents: one pattern that backtracks, anywhere in the project, lets one text stop everybody."""
    pattern, methods = PATTERNS[where]

    def use(text: str) -> None:
        for anchored in methods & {"match", "fullmatch"}:
            getattr(pattern, anchored)(text)
        if methods - {"match", "fullmatch"}:  # all others try every place
            for _ in pattern.finditer(text):
                pass

    slow = is_slow(use)
    if where.split(":")[0] in WAITING:
        assert slow, f"{where} is mended: take it off WAITING"
    else:
        assert not slow, f"{where} {pattern.pattern!r} takes more than {MOST_S} s for {slow}"


def test_the_patterns_are_found():
    """Prevents: a test over patterns that finds none and passes."""
    assert len(PATTERNS) > 40
    assert {"cod_core.text._TOKEN", "cod_core.counterfactuals.replies._REMARK", "ui.frame.layout._ACTIVE_IN_MARKDOWN"} < set(PATTERNS)


def test_patterns_made_while_running_are_known_here():
    """Prevents: a pattern put together from a person's words, which the test above cannot see, where no reader below uses it."""
    known = {"counterfactuals/replies.py": 3, "data/sentences.py": 1, "models/llm_teacher.py": 2, "models/reply_tags.py": 4}
    known |= {"counterfactuals/pieces.py": 1, "text.py": 2, "project/keeping.py": 1, "settings.py": 1}
    found: dict[str, int] = {}
    for path in sources():
        for _, _, call in calls(path):
            if not isinstance(call.args[0], ast.Constant):
                name = path.relative_to(ROOT / "cod_core").as_posix() if "cod_core" in path.parts else path.name
                found[name] = found.get(name, 0) + 1
    assert found == known


ROW = {"a": "1", "b": "x"}
READERS = {
    "tokens": tokens,
    "folded": folded,
    "letters": letters,
    "diff": lambda text: diff(text, text[::-1]),
    "a reply": lambda text: replies.parse_reply(text, "A plain text."),
    "a reply cut off": lambda text: replies.parse_reply(text, "A plain text.", finish_reason="length"),
    "a reply about such a text": lambda text: replies.parse_reply("Here you go:\n\nA plain text.", text),
    "a reply that repeats such a text": lambda text: replies.parse_reply(text + " b", text),
    "edits in a reply": lambda text: replies.parse_reply(text, "A plain text.", shape="edits"),
    "edits of such a text": lambda text: replies.parse_reply("a->b ;1 -> 2;- -> +", text, shape="edits"),
    "thoughts": reply_tags.without_thoughts,
    "an answer": lambda text: llm_teacher.read_answer(text, ("A", "B", "-"), ("positive", "not positive", "--")),
    "a message of a server": lambda text: endpoint_errors.redact(text, "sk-123"),
    "personal data": lambda text: list(personal.hits(text)),
    "a language": languages.language_of,
    "columns in a template": lambda text: sentences.fields_of(text, ("a", "b")),
    "a template": lambda text: sentences.to_sentence(text, ROW),
    "a row read back": lambda text: sentences.to_row("A is {a}. B is {b}.", ROW, text),
    "a row read back by such a template": lambda text: sentences.to_row(text[:2000] + "{a}. {b}", ROW, "1. y"),
    "a cell": lambda text: (tables.clean_text(text), tables.text_problem(text)),
    "a name of a column": reading._like_a_name,
    "a pair's text": imported._plain,
    "a note": lambda text: (effort.texts_scored(text), effort.without_effort(text)),
    "a card": card.escaped,
    "a cell of a spreadsheet": flat.safe_cell,
    "a CSV": lambda text: parsing.csv_file(text.encode()),
    "a TSV": lambda text: parsing.tsv_file(text.encode()),
    "plain text": lambda text: parsing.txt_file(text.encode()),
    "JSON lines": lambda text: json_rows.json_file(text.encode()),
    "a whole CSV": lambda text: reading.read_table("a.csv", text.encode()),
}


@pytest.mark.slow
@pytest.mark.parametrize("what", READERS)
def test_every_reader_of_texts_takes_time_in_proportion(what):
    """Prevents: 20,000 characters that a person uploads, or a model replies, stop everybody; or raise what no screen expects."""
    slow = is_slow(READERS[what])
    assert not slow, f"{what} takes more than {MOST_S} s for {slow}"


def test_a_reply_of_nothing_but_blank_lines_is_read_at_once():
    """Prevents (proven): 700 newlines in a reply held all sessions for 9 s, 1,000 for 40 s."""
    for n in (400, 19_000):  # a cubic pattern takes seconds for the first, and would never be done with the second
        text = "A plain text." + "\n" * n + "x"
        assert min(_seconds(lambda t: replies.parse_reply(t, "Another text."), text) for _ in range(3)) < MOST_S


def test_a_reply_beyond_the_limit_is_refused_before_any_pattern(monkeypatch):
    """Prevents: 400 MB of a reply go through every pattern before their length is looked at."""
    monkeypatch.setattr(replies, "without_thoughts", lambda *_: pytest.fail("read before its length was looked at"))
    said = replies.parse_reply("a " * MAX_REPLY_CHARS, "A plain text.")
    assert (said.text, said.reason) == (None, "too_long")
    assert llm_teacher.read_answer("a " * MAX_REPLY_CHARS, ("A",), ("a",)) is None


# ------------------------------------------------- what the linear readers find is what the patterns before them found


_OLD_TAGS = re.compile(r"<(text|new|cf)>\s*(.*?)\s*</\1>", re.S | re.I)
_OLD_THOUGHT = re.compile(r"<(think|thinking|reasoning)>.*?</\1>", re.S | re.I)
_OLD_REMARK = re.compile(r"\n\s*\n\s*(?:" + replies._REMARK.pattern + r").*\Z", re.I | re.S)
_PIECES = st.lists(
    st.sampled_from(["<text>", "</text>", "<NEW>", "</new>", "<think>", "</think>", "</Thinking>", "<thinking>", "a", " ", "\n", "Note: "]),
    max_size=14,
).map("".join)


@given(_PIECES)
def test_tags_thoughts_and_remarks_are_found_as_before(text):
    """Prevents: a faster reader that reads something else."""
    old = _OLD_TAGS.search(text)
    new = next((inner.strip() for _, _, inner in reply_tags.tagged(text, ("text", "new", "cf"))), None)
    assert new == (old and old.group(2))
    closed = _OLD_THOUGHT.sub("", text)
    if not re.search("</?(?:think|thinking)>", closed, re.I):  # tags without their other half were left standing then
        assert reply_tags.without_thoughts(text) == closed
    assert text[: replies._remark(text)] == _OLD_REMARK.sub("", text)


_NAMES = ("positive", "not positive", "a", "-", "--", "(b", "b)", "c++")


@given(st.lists(st.sampled_from([*_NAMES, " ", "-", "!", "x", "answer", "is", ":", "a", "b", "\n"]), max_size=8).map("".join))
def test_answers_are_read_as_before(body):
    """Prevents: a faster reader that names another label."""
    for name in _NAMES:
        pattern = rf"(?<!\w){re.escape(name)}(?!\w)"
        assert llm_teacher._begins_with(body, name) == bool(re.match(rf"\W*{pattern}", body)), name
        assert llm_teacher._is_only(body, name) == bool(re.fullmatch(rf"\W*{pattern}\W*", body)), name
    old = re.match(r"\W*(?:answer\s*(?:is)?\s*:?\s*)?\W*([a-z])(?:\W*$|[.):=]\s)", body)
    new = llm_teacher._LETTER.match(body)
    assert (new and new.group(1)) == (old and old.group(1))
