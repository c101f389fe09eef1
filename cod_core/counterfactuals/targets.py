"""Which class a text is aimed at where there are several: in turn, so that each other class is aimed at as often. Values only."""

from collections import Counter
from collections.abc import Sequence

Aims = dict[tuple[str, str], str]  # (class of a text, its id) -> class aimed at


def in_turn(aims: Aims, source: str, example_id: str, ranked: Sequence[str]) -> str:
    """The class whose turn it is for a text, the one that it was aimed at before where it was; noted in `aims`.

    source: the teacher's class at the text. ranked: the other classes, likeliest first, which decides between those that
    were aimed at as often.
    """
    if (source, example_id) not in aims:
        often = Counter(target for (of, _), target in aims.items() if of == source)
        aims[source, example_id] = min(ranked, key=lambda label: often[label])
    return aims[source, example_id]
