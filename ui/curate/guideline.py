"""The guideline beside the card: what was agreed on, good and bad examples, the words for the reasons.

Its texts come from people: they are shown escaped or as plain text, never as Markdown.
"""

from html import escape

from cod_core.types import REJECT_REASONS, Guideline, GuidelineExample
from ui.curate import callbacks
from ui.frame import layout
from ui.frame.words import t
from ui.shared import text_diff


def reason_words(guideline: Guideline) -> dict[str, str]:
    """Reject reason -> words for its button, keys 1, 2, 3 … in order: the project's own where there are any."""
    return {code: layout.plain(guideline.reasons.get(code) or t(words), 80) for code, words in callbacks.REASONS.items()}


def panel(guideline: Guideline) -> str:
    """HTML of the guideline: text, examples with the change marked, reasons with their keys."""
    if not guideline.version:
        none, who = t("No guideline is written yet."), t("A reviewer or owner writes it on the page Review, under Guideline.")
        return f'<section class="cod-card"><p class="cod-say">{escape(none)}</p><p class="cod-cap">{escape(who)}</p></section>'
    paragraphs = "".join(f"<p>{escape(p)}</p>" for p in guideline.text.splitlines() if p.strip())
    examples = "".join(_example(e) for e in guideline.examples)
    reasons = "".join(
        f"<li>{escape(words)}</li>" for words in (guideline.reasons.get(code) or t(usual) for code, usual in callbacks.REASONS.items())
    )
    title = t("Guideline, version {version}, {date}", version=guideline.version, date=guideline.created_at[:10])
    keys = t("Reasons to reject, keys 1 to {n}", n=len(REJECT_REASONS))
    return (
        f'<section class="cod-card cod-guideline" aria-label="{escape(t("Guideline"))}"><p class="cod-cap">{escape(title)}</p>'
        f'{paragraphs}{examples}<p class="cod-cap">{escape(keys)}</p><ol>{reasons}</ol></section>'
    )


def _example(example: GuidelineExample) -> str:
    kind, mark = ("ok", t("✓ Like this")) if example.good else ("error", t("✗ Not like this"))
    why = f'<p class="cod-cap">{escape(example.why)}</p>' if example.why else ""
    return f'<p class="cod-badge cod-{kind}">{mark}</p>{text_diff.changes(example.text, example.counterfactual, "")}{why}'
