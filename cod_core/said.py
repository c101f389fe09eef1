"""A sentence together with how it was made: a template and its values, so that a screen can say it in another language.

It is a string, in English, everywhere else: in logs, records, reports and commands. Does not know which languages there are.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Self


class Said(str):
    """template.format(**values), and what it was made of. many: the template for n other than one, where a count decides; its
    values hold that count as n."""

    template: str
    values: Mapping[str, object]
    many: str

    def __new__(cls, template: str, values: Mapping[str, object], many: str = "") -> Self:
        spoken = many if many and values["n"] != 1 else template
        made = super().__new__(cls, spoken.format(**values) if values else spoken)
        made.template, made.values, made.many = template, dict(values), many
        return made

    def __getnewargs__(self) -> tuple[str, Mapping[str, object], str]:  # type: ignore[override]  # a copy and a pickle keep all three
        return self.template, self.values, self.many


def say(template: str, /, **values: object) -> Said:
    """The sentence of this template, in braces the names of the values: say("{n:,} of {of:,} texts", n=3, of=8)."""
    return Said(template, values)


def together(parts: Iterable[str], between: str = " ") -> Said:
    """Sentences one after another, each as it was made; empty ones are left out."""
    kept = [part for part in parts if part]
    return Said(between.join(f"{{p{i}}}" for i in range(len(kept))), {f"p{i}": part for i, part in enumerate(kept)})


def several(n: int, noun: str, nouns: str = "") -> Said:
    """'1 text', '3,000 texts'. nouns: of many, where it is not the noun with an s."""
    return Said(f"{{n:,}} {noun}", {"n": n}, f"{{n:,}} {nouns or noun + 's'}")


def and_more(names: Sequence[str], most: int) -> Said:
    """'A, B, C and 4 more': the first names, and how many are left."""
    first = together(names[:most], ", ")
    return say("{names} and {n:,} more", names=first, n=len(names) - most) if len(names) > most else first


def msg(words: str) -> Said:
    """Words that a screen will say, where a module names them before there is a screen."""
    return Said(words, {})
