"""What kind of edit turned one text into another, from the tokens alone. Knows no model."""

from cod_core.counterfactuals.languages import ENGLISH, GERMAN
from cod_core.text import Edit, diff, tokens

_NEGATIONS = {"no", "nothing", "none", "without", "hardly", "barely", "neither", "nor", "kein", "keine", "ohne", "不", "没"}
_NEGATIONS |= ENGLISH.negations | GERMAN.negations


def edit_type(original: str, changed: str, edits: list[Edit] | None = None) -> str | None:
    """negation, shuffle, insert, delete, lexical or other; None where no token differs.

    edits: diff(original, changed) where it is known already.
    """
    edits = diff(original, changed) if edits is None else edits
    if not edits:
        return None
    # what both texts share cancels out, so the edited pieces tell
    before = [word.lower() for edit in edits for word in tokens(edit.a_text)]
    after = [word.lower() for edit in edits for word in tokens(edit.b_text)]
    if _negations(before) != _negations(after):
        return "negation"
    if sorted(before) == sorted(after):
        return "shuffle"
    ops = {edit.op for edit in edits}
    if len(ops) == 1 and ops != {"replace"}:
        return ops.pop()
    return "lexical" if ops == {"replace"} and all(len(tokens(e.b_text)) <= 2 for e in edits) else "other"


def _negations(words: list[str]) -> int:
    return sum(word in _NEGATIONS or word.endswith(("n't", "n’t")) for word in words)
