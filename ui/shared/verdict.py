"""The teacher's verdict in plain words and bars: a FlipCheck in, sentences of the screen's language and HTML out."""

from html import escape

from cod_core.types import FlipCheck, Prediction
from ui.frame.words import t

WARN_FRACTION, REJECT_FRACTION = 0.35, 0.6


def percent(value: float) -> str:
    """A probability as a person says it: never 0 % or 100 %, which nothing is."""
    return t("under 1 %") if value < 0.01 else t("over 99 %") if value > 0.99 else f"{round(value * 100)} %"


def sentence(check: FlipCheck) -> str:
    """'Teacher: 83 % sure this is positive; was 4 %.'"""
    after, before = check.after.prob(check.target), check.before.prob(check.target)
    return t("Teacher: {now} sure this is {label}; was {before}.", now=percent(after), label=check.target, before=percent(before))


def outcome(check: FlipCheck) -> tuple[str, str]:
    """(kind, sentence) of what the check means. kind: ok, warn or error, the classes of the boxes."""
    if check.valid:
        return "ok", t("It flips: the teacher now says {label}.", label=check.target)
    now = check.after.label
    if check.flipped:
        return "warn", t("It flips, but to {label}, not to {target}.", label=now, target=check.target)
    return "error", t("It does not flip: the teacher still says {label} ({sure} sure).", label=now, sure=percent(check.after.prob(now)))


def spoken(check: FlipCheck) -> str:
    """Sentence and outcome together, for a screen reader while somebody types."""
    return f"{sentence(check)} {outcome(check)[1]}"


def cautions(check: FlipCheck) -> list[str]:
    """Plain warnings about size and unread ends."""
    out = []
    if check.edit_fraction > WARN_FRACTION:
        said = (
            t("This changes more words than the text had; smaller changes teach more.")
            if check.edit_fraction > 1
            else t("This changes {share} % of the words; smaller changes teach more.", share=round(check.edit_fraction * 100))
        )
        out.append(said + (" " + t("That is more than a counterfactual should.") if check.edit_fraction > REJECT_FRACTION else ""))
    if check.truncated:
        out.append(t("The teacher does not read the end of this text: edits there change nothing for it."))
    return out


def size(check: FlipCheck) -> str:
    """'1 word changed (4 %)'; no share where there are more than the text had, which is no part of anything."""
    words = t("1 word changed") if check.token_edits == 1 else t("{n} words changed", n=check.token_edits)
    return words if check.edit_fraction > 1 else f"{words} ({round(check.edit_fraction * 100)} %)"


def decision_line(prediction: Prediction, target: str) -> float:
    """Where the target's bar must reach to win: half for two labels, else the largest other probability."""
    others = [p for label, p in zip(prediction.labels, prediction.probs) if label != target]
    return 0.5 if len(prediction.labels) == 2 else min(1.0, max(others))


def moved(check: FlipCheck) -> str:
    """'The model's answer moved by 0.42 (nats a token).' Empty where the teacher does not generate."""
    return "" if check.shift is None else t("The model's answer moved by {shift:.2f} (nats a token).", shift=check.shift)


def bars(check: FlipCheck) -> str:
    """HTML of two bars, before and after: how sure the teacher is of the target, with the decision line."""
    rows = []
    for name, prediction in ((t("before"), check.before), (t("after"), check.after)):
        value, line = prediction.prob(check.target), decision_line(prediction, check.target)
        won = "cod-won" if prediction.label == check.target else "cod-lost"
        rows.append(
            f'<div class="cod-bar"><span>{escape(name)}</span>'
            f'<span class="cod-track"><span class="cod-fill {won}" style="width:{value * 100:.1f}%"></span>'
            f'<span class="cod-line" style="left:{line * 100:.1f}%"></span></span>'
            f'<span class="cod-value">{percent(value)}</span></div>'
        )
    about = t("How sure the teacher is of “{label}”. Beyond the mark it says so.", label=check.target)
    return (
        f'<div class="cod-bars" role="img" aria-label="{escape(sentence(check))}"><div class="cod-cap">{escape(about)}</div>'
        f"{''.join(rows)}</div>"
    )


def panel(check: FlipCheck) -> str:
    """HTML of the whole verdict: sentence, what it means, bars, size, cautions."""
    kind, meaning = outcome(check)
    mark = {"ok": "✓", "warn": "!", "error": "✗"}[kind]
    notes = "".join(f'<p class="cod-note">{escape(c)}</p>' for c in cautions(check))
    return (
        f'<section class="cod-card cod-verdict"><p class="cod-say">{escape(sentence(check))}</p>'
        f'<p class="cod-badge cod-{kind}"><b aria-hidden="true">{mark}</b> {escape(meaning)}</p>{bars(check)}'
        f'<p class="cod-cap">{escape(" · ".join(filter(None, (size(check), moved(check)))))}</p>{notes}</section>'
    )


def technical(check: FlipCheck) -> dict[str, object]:
    """The same check as numbers, for the technical view."""
    return {
        "labels": list(check.after.labels),
        "probabilities before": [round(p, 4) for p in check.before.probs],
        "probabilities after": [round(p, 4) for p in check.after.probs],
        "margin to target before": round(check.before.margin_of(check.target), 3),
        "margin to target after": round(check.after.margin_of(check.target), 3),
        "token edits": check.token_edits,
        "edit fraction": round(check.edit_fraction, 3),
        "character edits": check.char_edits,
        "similarity": None if check.similarity is None else round(check.similarity, 3),
        **({} if check.shift is None else {"shift of the answer, nats a token": round(check.shift, 3)}),
        "teacher": f"{check.teacher_id} @ {check.teacher_revision}",
        "checked at": check.checked_at,
    }
