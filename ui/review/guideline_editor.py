"""Writing the guideline: text, words for the reasons, examples, versions; queueing older decisions again."""

import streamlit as st

from cod_core.project.project import Project
from cod_core.said import msg
from cod_core.types import REJECT_REASONS, Guideline, GuidelineExample
from ui.curate import callbacks, guideline
from ui.frame import errors, layout, naming, people, state
from ui.frame.words import t

SLOTS = 6


def section(project: Project) -> None:
    """The newest version, the offer to look at older decisions again, the form, former versions."""
    current = project.guideline.current()
    _again(project)
    left, right = st.columns([1.3, 1], gap="medium")
    with right:
        st.html(guideline.panel(current))
    with left:
        if people.only_for("guideline", "Writing the guideline"):
            _form(project.id, current)
    former = project.guideline.versions()[1:]
    if former:
        with st.expander(t("Former versions ({n})", n=len(former)), icon=":material/history:"):
            for old in former:
                st.html(guideline.panel(old))
                st.text(t("by {author}", author=old.author) + (f" · {old.note}" if old.note else ""))


def _again(project: Project) -> None:
    old = project.guideline.decided_before()
    if not old:
        return
    errors.box(
        t(
            "{texts} were decided under an older guideline. You can put them back into the queue; the older "
            "decisions stay in the history, and undo takes it back.",
            texts=layout.several(len(old), "text"),
        ),
        "info",
    )
    if people.allowed("guideline"):
        st.button(t("Queue these {n} again", n=len(old)), key="guide-again", on_click=_queue, args=(project.id,))


@naming.signed
@errors.callback
def _queue(pid: str) -> None:
    n = state.workspace().project(pid).guideline.queue_again(state.annotator())
    state.mark_saved()
    state.notice(t("{texts} wait on the page Curate again.", texts=layout.several(n, "text")))


def _form(pid: str, current: Guideline) -> None:
    v = current.version
    with st.form(f"guide-{v}", border=True):
        text = st.text_area(t("What makes a good counterfactual here?"), current.text, height=180, max_chars=20_000, key=f"guide-text-{v}")
        with st.expander(t("Words for the reasons to reject (keys 1 to {n})", n=len(REJECT_REASONS))):
            reasons = {
                code: st.text_input(f"{n}  {t(words)}", current.reasons.get(code, ""), max_chars=80, key=f"guide-{code}-{v}")
                for n, (code, words) in enumerate(callbacks.REASONS.items(), 1)
            }
        examples = []
        with st.expander(t("Examples, good and bad")):
            for i in range(SLOTS):
                given = current.examples[i] if i < len(current.examples) else None
                examples.append(_example(i, given, v))
        note = st.text_input(t("What did you change, and why? (optional)"), max_chars=300, key=f"guide-note-{v}")
        if st.form_submit_button(t("Save as a new version"), type="primary"):
            _save(pid, current, text, reasons, [e for e in examples if e], note)
            st.rerun()


def _example(i: int, given: GuidelineExample | None, v: int) -> GuidelineExample | None:
    left, right, side = st.columns([2, 2, 1])
    a = left.text_area(t("Original"), given.text if given else "", height=80, key=f"ex-a-{i}-{v}", max_chars=2000)
    b = right.text_area(t("Changed"), given.counterfactual if given else "", height=80, key=f"ex-b-{i}-{v}", max_chars=2000)
    good = side.selectbox(
        t("Is it"), [True, False], index=0 if given is None or given.good else 1, key=f"ex-g-{i}-{v}",
        format_func=layout.words({True: msg("good"), False: msg("bad")}),
    )  # fmt: skip
    why = st.text_input(t("Why"), given.why if given else "", key=f"ex-w-{i}-{v}", max_chars=300)
    return GuidelineExample(a.strip(), b.strip(), good, why.strip()) if a.strip() or b.strip() else None


@naming.signed
@errors.callback
def _save(pid: str, current: Guideline, text: str, reasons: dict[str, str], examples: list[GuidelineExample], note: str) -> None:
    n = state.workspace().project(pid).guideline.write(text, state.annotator(), reasons, tuple(examples), note, base=current.version)
    state.mark_saved()
    state.notice(t("Version {n} of the guideline is saved. Decisions from now on carry it.", n=n))
