"""A teacher that answers: choosing its two parts, what it said beside a change, how long a search with it may take."""

from html import escape
from typing import Any

import streamlit as st

from cod_core.models.choice import GenerativeChoice, TeacherChoice, read_choice, stored_choice
from cod_core.project.project import Project
from cod_core.project.summary import Summary
from cod_core.said import Said, msg, say
from cod_core.types import FlipCheck, Prediction
from ui.frame import errors, layout
from ui.frame.words import t
from ui.proposals import language_model
from ui.shared import jobs_panel, text_diff, verdict
from ui.teacher import hub_model

SHOWN = 3
OTHER = msg("A Hugging Face classifier")


def choose(project: Project) -> TeacherChoice | None:
    """The teacher that answers; None where a part is missing."""
    row = project.row
    stored = stored_choice(row.teacher)
    last = stored if isinstance(stored, GenerativeChoice) else None
    labels = f" {t('or')} ".join(layout.plain(label, 30) for label in row.task.labels)
    said = t(
        "Your texts are prompts. The model answers each, and the judge reads the answer. "
        "The labels of this project ({labels}) say what an answer is, not what the prompt is.",
        labels=labels,
    )
    st.html(f'<div class="cod-why">{escape(said)}</div>')
    local = last.local if last else None
    model = language_model.here(project, local, t("No text leaves this computer."), t("Model that answers: name, folder or .gguf file"))
    judge = _choose_judge(project, row.task.labels, last.judge.to_json() if last else None)
    tokens = st.number_input(
        t("Longest answer, in tokens"),
        1,
        256,
        last.max_tokens if last else 24,
        help=t("Four tokens are about three English words. Every prompt takes the time of one answer."),
    )
    with st.expander(t("Options")):
        samples = st.number_input(
            t("Answers to each prompt"),
            1,
            20,
            last.samples if last else 1,
            help=t(
                "One: the model's likeliest words. More: that many answers are drawn and the judge's verdicts averaged, "
                "which takes that many times as long."
            ),
        )
    if not model or not judge:
        return None
    return read_choice({"kind": "generative", "local": model, "judge": judge, "max_tokens": int(tokens), "samples": int(samples)})


def _choose_judge(project: Project, labels: tuple[str, ...], present: dict[str, Any] | None) -> dict[str, Any] | None:
    """What reads the answers, as it is stored; None where it is not named yet. present: the teacher's judge now."""
    judges = {name: judge.to_json() for name, judge in project.answers.judges().items()}
    names = [*judges, OTHER]
    usual = [name for name, spec in judges.items() if spec.items() <= (present or spec).items()]
    picked = st.selectbox(
        t("What judges the answers?"),
        names,
        index=names.index(usual[0]) if usual else len(names) - 1,
        format_func=lambda name: t(OTHER) if name == OTHER else layout.plain(name, 80),
        help=t("Classifiers that are on this computer and have exactly the labels of this project, or any classifier by name."),
    )
    if picked != OTHER:
        return judges[picked]
    other = hub_model.choose(labels, "judge")
    return other.to_json() if other else None


def samples(project: Project) -> None:
    """A few prompts with their answers: the quickest way to see whether model and judge are any good."""
    answered = []
    with errors.shown(), st.spinner(t("The model answers some of your prompts …")):
        answered = project.answers.some()
    if not answered:
        return
    rows = "".join(
        f'<tr><td>{text_diff.escape(e.text)}</td><td>{_spoken(said)}</td><td class="cod-value">{_judged(p)}</td></tr>'
        for e, said, p in answered
    )
    heads = "".join(f"<th>{escape(head)}</th>" for head in (t("Prompt"), t("The model's answer"), t("Judged")))
    st.html(f'<table class="cod-table cod-lines"><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>')
    st.caption(t("Read a few: where the judge is wrong about the answers, so is every verdict on a change."))


def unlabelled(project: Project, summary: Summary, busy: bool) -> None:
    """Prompts without a label, and the button that lets the model answer them."""
    if not summary.n_unlabelled:
        return
    errors.box(
        t(
            "{prompts} no label. Only the model knows what it answers: let it, and each prompt gets the label of its answer. {takes}",
            prompts=layout.several(summary.n_unlabelled, "prompt has", "prompts have"),
            takes=takes(project, summary.n_unlabelled),
        ),
        "info",
    )
    if st.button(t("Let the model answer them"), key="label-prompts", type="secondary" if summary.n_train else "primary", disabled=busy):
        with errors.shown():
            jobs_panel.start(project, "label_prompts")
            st.rerun()


def takes(project: Project, prompts: int) -> Said:
    """How long so many answers may take here, as a sentence; empty before the first answer."""
    pace = project.answers.pace()
    if pace is None:
        return Said("", {})
    seconds = pace.seconds * prompts
    if seconds < 10:
        return say("A few seconds at most, as fast as it answered so far.")
    if seconds < 90:
        return say("About {seconds} seconds at most, as fast as it answered so far.", seconds=round(seconds / 5) * 5)
    return say("About {minutes} minutes at most, as fast as it answered so far.", minutes=round(seconds / 60))


def searching(project: Project, k: int, budget: int) -> Said:
    """What a search does where every text it tries is answered."""
    return say(
        "Changes a few words of each prompt, lets the model answer again and the judge read the answer: at most {budget} "
        "answers a prompt. {takes} The changes that move the answer furthest are offered first.",
        budget=budget,
        takes=takes(project, k * budget),
    )


def panel(project: Project, original: str, text: str, check: FlipCheck | None) -> None:
    """What the model answered to both texts, beneath a diff: the reason of the verdict. Nothing for other teachers."""
    if not project.teacher.generates():
        return
    verdicts = (check.before, check.after) if check else (None, None)
    rows = zip((t("before"), t("after")), project.teacher.answers_of([original, text]), verdicts)
    cells = "".join(
        f'<span class="cod-cap">{when}</span><div class="cod-text" dir="auto">{_spoken(said)}</div>'
        f'<span class="cod-cap">{_judged(p) if p else ""}</span>'
        for when, said, p in rows
    )
    title = escape(t("The model's answer"))
    st.html(
        f'<section class="cod-card"><header><h4>{title}</h4>'
        f'<span class="cod-cap">{escape(t("what the judge says"))}</span>'
        f'</header><div class="cod-answers" data-cod-answers>{cells}</div></section>'
    )


def _spoken(said: list[str] | None) -> str:
    """One answer, or the first few, as escaped text."""
    if said is None:
        return f'<span class="cod-cap">{escape(t("Not answered by this model yet."))}</span>'
    shown = [text_diff.escape(one) if one.strip() else f'<span class="cod-cap">{escape(t("(nothing)"))}</span>' for one in said[:SHOWN]]
    more = f'\n<span class="cod-cap">{escape(t("and {more} more", more=len(said) - SHOWN))}</span>' if len(said) > SHOWN else ""
    return shown[0] if len(said) == 1 else "\n".join(f"{i}. {one}" for i, one in enumerate(shown, 1)) + more


def _judged(p: Prediction) -> str:
    """'positive, 96 %', escaped."""
    return f"{escape(p.label)}, {verdict.percent(p.prob(p.label))}" if p.decided else escape(t("nothing to judge"))
