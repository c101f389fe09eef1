"""What the screens say, read from the source and from a page that was drawn."""

import ast
import html
import re
import string
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SAY = {"t", "say", "msg", "header", "empty", "next_step", "box", "notice", "toast"}
"""Functions that say their literal arguments; `several` says its noun with a number."""
MADE: dict[str, tuple[int | str, ...]] = {"Form": (1, 4), "Then": (0,), "Provider": ("note",)}
"""Values whose words a screen says, as they stand: class -> which of its arguments."""
OPEN, SHUT = "\u27e6", "\u27e7"
_TAG = re.compile(r"<(style|script).*?</\1>|<[^>]*>", re.DOTALL)
_SAID = re.compile(rf"{OPEN}[^{OPEN}{SHUT}]*{SHUT}")


def sources() -> list[Path]:
    """All but the commands, whose output stays English and whose `say` prints it."""
    found = [ROOT / "app.py", *(p for folder in ("pages", "ui", "cod_core") for p in sorted((ROOT / folder).rglob("*.py")))]
    return [path for path in found if "commands" not in path.parts]


def sentences() -> dict[str | tuple[str, str], str]:
    """Every sentence that the code says, with where; of one that counts both forms."""
    found: dict[str | tuple[str, str], str] = {}
    for path in sources():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                for sentence in _said(node):
                    if _wordy(sentence if isinstance(sentence, str) else sentence[0]):
                        found.setdefault(sentence, f"{path.relative_to(ROOT)}:{node.lineno}")
    for path in sorted((ROOT / "cod_core" / "counterfactuals" / "templates").glob("*.toml")):
        found.setdefault(tomllib.loads(path.read_text(encoding="utf-8"))["title"], str(path.relative_to(ROOT)))
    return found


def _wordy(template: str) -> bool:
    """Whether anything but values and markup is said; quotation marks differ by language."""
    return bool(re.search("[^\\W\\d_]{2,}|[“”]", re.sub(r"<[^>]*>|%?\{+[^{}]*\}+", " ", template)))


def built_by_hand() -> list[str]:
    """Places that give t, say or msg an f-string or a sum, which no catalogue can hold."""
    return [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in sources()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and _name(node) in ("t", "say", "msg")
        and node.args
        and isinstance(node.args[0], ast.JoinedStr | ast.BinOp)
    ]


def _name(node: ast.Call) -> str:
    return node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")


def _said(node: ast.Call) -> Iterator[str | tuple[str, str]]:
    name = _name(node)
    words = [a.value if isinstance(a, ast.Constant) and isinstance(a.value, str) else "" for a in node.args]
    if name == "Said" and words and words[0]:
        yield (words[0], words[2]) if len(words) > 2 and words[2] else words[0]
    elif name == "several" and len(words) > 1 and words[1]:
        yield f"{{n:,}} {words[1]}", f"{{n:,}} {words[2] if len(words) > 2 else words[1] + 's'}"
    elif name in MADE:
        given = {i: a for i, a in enumerate(node.args)} | {k.arg: k.value for k in node.keywords}
        yield from (v.value for at in MADE[name] if isinstance(v := given.get(at), ast.Constant) and " " in str(v.value))
    elif name in SAY:
        places = {"next_step": (1,), "header": (0, 1), "empty": (0, 1, 3)}.get(name, (0,))
        first = [words[i] for i in places if i < len(words)]
        yield from (w for w in first if re.search("[A-Za-z]{2,}", w))


def fields(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name}


def bare(page, known: tuple[str, ...] = ()) -> set[str]:
    """What a drawn page says that no `t` said, where each that did stands in brackets. known: texts of the person."""
    out = set()
    for said in _drawn(page):
        for line in re.split(r"\n|  +", said):
            rest = line
            while (shorter := _SAID.sub(" ", rest)) != rest:
                rest = shorter
            for own in known:
                rest = rest.replace(own, " ")
            if re.search("[A-Za-z]{2,}", rest):
                out.add(" ".join(rest.split()))
    return out


def _drawn(page) -> Iterator[str]:
    for block in (page.main, page.sidebar):
        for element in _elements(block):
            kind = element.type
            if kind == "html":
                yield html.unescape(_TAG.sub("\n", re.sub("</?b>", "", element.value)))  # a word in bold is one of its sentence
            elif kind in ("markdown", "caption", "title", "header", "subheader", "metric"):
                yield str(element.value)
            label = getattr(element, "label", "")
            if isinstance(label, str):
                yield re.sub(r":material/\w+:", "", label)
            for more in ("help", "placeholder"):
                if isinstance(told := getattr(element, more, ""), str):
                    yield told
            if kind in ("selectbox", "radio", "multiselect", "button_group", "segmented_control", "pills"):
                yield from (str(option) for option in getattr(element, "options", []))


def _elements(block) -> Iterator:
    for child in block.children.values():
        if getattr(child, "children", None):
            yield child
            yield from _elements(child)
        else:
            yield child


def pieces(pairs: list[tuple]) -> tuple[str, ...]:
    """Both texts of each pair, their phrases, and the pieces that a card with the changes marked is made of, the longest first."""
    from itertools import combinations, pairwise

    from cod_core.text import diff

    found = set()
    for original, proposal, *_ in pairs:
        edits = diff(original, proposal)
        cuts = [0, *(at for edit in edits for at in (edit.a_start, edit.a_end)), len(original)]
        for text in (original, proposal):
            words = re.findall(r"\w+", text)
            found |= {text, *(" ".join(words[a:b]) for a, b in combinations(range(len(words) + 1), 2) if b - a > 1)}
        found |= {*(edit.b_text for edit in edits), *(original[a:b].strip() for a, b in pairwise(cuts))}
    return tuple(sorted(filter(None, found), key=len, reverse=True))
