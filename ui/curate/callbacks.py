"""What the buttons and keys of the Curate page do. Callbacks only: they write to the store, then the page is drawn.

A decision names what was on screen (`Shown.token`), so that a press meant for another card, or too early, does
nothing. What is being typed lives in the store as a draft from the first pause on.
"""

from dataclasses import dataclass

import streamlit as st

from cod_core.counterfactuals.effort import without_effort
from cod_core.curation.view import following
from cod_core.project.curation.cards import Card
from cod_core.project.project import Project
from cod_core.said import msg
from cod_core.types import Counterfactual, Example
from ui.curate import edit_notes
from ui.frame import errors, naming, people, state
from ui.frame.words import t

REASONS = {
    "not_fluent": msg("Not fluent"),
    "label_wrong": msg("Label is wrong"),
    "not_minimal": msg("Changes too much"),
    "changes_other_facts": msg("Changes other facts"),
    "unrealistic_or_unsafe": msg("Unrealistic or unsafe"),
    "duplicate": msg("Duplicate"),
    "teacher_wrong": msg("Teacher is wrong"),
    "other": msg("Other reason"),
}
STATUS_WORDS = {
    "accepted": msg("Accepted"),
    "edited": msg("Accepted with your edit"),
    "rejected": msg("Rejected"),
    "skipped": msg("Skipped"),
    "needs_review": msg("Flagged for a second opinion"),
    "pending": msg("To do"),
}
OWN = "own"
"""The choice among the alternatives that starts from the original instead of a proposal."""
REJECTING = "rejecting"
"""(text, version of its decisions) that stood on the card when the row of reasons was opened."""
_TYPED, _ROUND, _ADVANCED = "typed", "editor_round", "advanced"


@dataclass(frozen=True)
class Shown:
    """One card as it stands on the screen.

    base_id: the proposal in the box, None for the original. base_text: what the box started from. text: what stands
    in it. before, after: the neighbours in the list. version: of the text's
    decisions, so that nobody overwrites what somebody else decided meanwhile. as_proposed: whether target is the proposal's own.
    bare: the text has no proposal, so there is nothing to reject.
    """

    pid: str
    example_id: str
    base_id: str | None
    base_text: str
    text: str
    target: str
    status: str
    before: str | None
    after: str | None
    version: int = 0
    as_proposed: bool = True
    bare: bool = False

    @property
    def project(self) -> Project:
        """The project as it is now. Raises BadInput where it does not exist (any more): a card outlives its run."""
        return state.workspace().project(self.pid)

    @property
    def token(self) -> str:
        """Identifies exactly what may be decided: text, proposal, state of decision."""
        return f"{self.example_id}/{self.base_id}/{self.status}/{self.version}"

    @property
    def item(self) -> str:
        """Identifies what the box started from."""
        return f"{self.example_id}/{self.base_id or OWN}/{st.session_state.get(_ROUND, 0)}"

    @property
    def edited(self) -> bool:
        return self.text != self.base_text


def note(cf: Counterfactual) -> str:
    """What a proposal changes, in words; with the technical details also how many texts were scored for it."""
    said = cf.note.replace("written by you", "written by a person").replace("edited by you", "edited by a person")  # of earlier versions
    return edit_notes.spoken(said if state.technical() else without_effort(said))


def gold(example: Example) -> str:
    """The label of the original and whose it is."""
    if not example.label:
        return t("No label")
    if "label_from" in example.metadata:
        return t("Label of its answer: {label}", label=example.label)
    return t("Label: {label}", label=example.label)


def neighbour(ids: list[str], current: str | None, step: int) -> str | None:
    """The id `step` places on in a list of ids, staying inside it."""
    if not ids:
        return None
    place = ids.index(current) if current in ids else 0
    return ids[max(0, min(len(ids) - 1, place + step))]


def standing_text(project: Project, example_id: str, base_id: str | None, base_text: str) -> str:
    """What stands in the box: what was typed in this session, else the draft, else what the box starts from."""
    typed: tuple[tuple[str, str, str | None], str] | None = st.session_state.get(_TYPED)
    if typed and typed[0] == (project.id, example_id, base_id):
        return typed[1]
    draft = project.curation.draft_of(example_id, state.annotator())
    return draft[1] if draft and draft[0] == base_id else base_text


@errors.callback
def typed(shown: Shown, item: str, text: str) -> None:
    """Keep what stands in the box; the proposal itself is no draft."""
    st.session_state[_TYPED] = ((shown.pid, shown.example_id, shown.base_id), text)
    st.session_state.pop(INSERT, None)  # it stands in the box now
    curation, me = shown.project.curation, state.annotator()
    if text == shown.base_text:
        curation.drop_draft(shown.example_id, me)
    else:
        curation.save_draft(shown.example_id, me, shown.base_id, text)
        state.mark_saved()


@errors.callback
def back_to_start(shown: Shown) -> None:
    """Forget what was typed and show the proposal again."""
    shown.project.curation.drop_draft(shown.example_id, state.annotator())
    _forget_typing()


def aim_of(example_id: str, target: str) -> str:
    """The label that a text is aimed at: the one picked on the card, else its proposal's."""
    return str(st.session_state.get(f"aim-{example_id}") or target)


@errors.callback
def aim(example_id: str, label: str) -> None:
    """Aim at another label; what stands in the box stays."""
    st.session_state[f"aim-{example_id}"] = label


@errors.callback
def aim_by(example_id: str, widget: str) -> None:
    """The same, from the picker."""
    if st.session_state.get(widget):
        st.session_state[f"aim-{example_id}"] = st.session_state[widget]


INSERT, _INSERTED = "insert_phrase", "inserted_phrases"


@errors.callback
def insert(shown: Shown, phrase: str) -> None:
    """Put a phrase into the box: at the caret, or at the end where nobody has been in it."""
    if state.plain_editor():
        text = f"{shown.text.rstrip()} {phrase}"
        st.session_state[f"plain-{shown.item}"] = text
        typed(shown, shown.item, text)
    else:
        number = st.session_state[_INSERTED] = st.session_state.get(_INSERTED, 0) + 1
        st.session_state[INSERT] = {"number": number, "item": shown.item, "phrase": phrase}


@errors.callback
def choose(example_id: str, choice: str) -> None:
    """Another alternative, or one's own text: keep the choice for this text."""
    st.session_state[f"chosen-{example_id}"] = choice
    _forget_typing()


@errors.callback
def choose_by(example_id: str, widget: str) -> None:
    """The same, from the widget that shows the alternatives."""
    if st.session_state.get(widget):
        st.session_state[f"chosen-{example_id}"] = st.session_state[widget]
        _forget_typing()


@naming.signed
@errors.callback
def decide(shown: Shown, new: str, reasons: tuple[str, ...] = ()) -> None:
    """Reject, skip or flag the proposal on the card, and move on."""
    seconds = state.card_seconds(shown.token)
    if seconds is None:
        return
    opened, seen = st.session_state.pop(REJECTING, None) or (None, None)
    project = shown.project
    cf_id = shown.base_id or project.cards.one(shown.example_id, state.annotator()).offered.id
    project.curation.decide(
        cf_id,
        new,
        state.annotator(),
        reasons=reasons,
        lead_time_s=round(seconds, 1),
        seen=seen if opened == shown.example_id else shown.version,
    )
    _moved(shown, new)


@naming.signed
@errors.callback
def accept(shown: Shown, text: str | None = None, override_key: str | None = None) -> None:
    """Keep what stands in the box, and move on.

    text: what stood in the box when Ctrl+Enter was pressed. override_key: session key of the reason for keeping a
    text that does not flip.
    """
    seconds = state.card_seconds(shown.token)
    if seconds is None:
        return
    curation, me = shown.project.curation, state.annotator()
    why = (st.session_state.get(override_key) or "").strip() if override_key else None
    if override_key and not why:
        state.notice("Say in a few words why this text should be kept although the teacher does not flip.", "warn")
        return
    if text is None:
        text = standing_text(shown.project, shown.example_id, shown.base_id, shown.base_text)
    seconds = round(seconds, 1)
    if shown.base_id and text == shown.base_text and shown.as_proposed:
        curation.decide(shown.base_id, "accepted", me, override_reason=why, lead_time_s=seconds, seen=shown.version)
    else:
        curation.save_draft(shown.example_id, me, shown.base_id, text)
        curation.edit_and_accept(
            shown.example_id, shown.base_id, text, me, override_reason=why, lead_time_s=seconds, seen=shown.version, target=shown.target
        )
    _moved(shown)


@errors.callback
def undo(pid: str) -> None:
    """Take back this annotator's last act and show its card."""
    undone = state.workspace().project(pid).curation.undo(state.annotator())
    if undone is None:
        state.notice("There is nothing of yours left to undo.", "info")
        return
    state.mark_saved()
    state.toast("Undone")
    go_to(undone.example_id)


@errors.callback
def start_reject(shown: Shown) -> None:
    """Open the row of reasons. Drawing it shows what others decided meanwhile, so what was seen before is remembered."""
    if state.card_seconds(shown.token) is not None:
        st.session_state[REJECTING] = (shown.example_id, shown.version)


def rejecting(example_id: str) -> bool:
    """Whether the row of reasons is open for this text."""
    opened: tuple[str, int] | None = st.session_state.get(REJECTING)
    return opened is not None and opened[0] == example_id


@errors.callback
def go_to(example_id: str | None) -> None:
    """Show another card without deciding."""
    for key in (REJECTING, f"chosen-{example_id}"):
        st.session_state.pop(key, None)
    _forget_typing()
    state.show_item(example_id)
    state.redraw()


@errors.callback
def leave_reasons() -> None:
    """Close the row of reasons."""
    st.session_state.pop(REJECTING, None)


def redraw() -> None:
    """Draw the whole page anew after this act, with what stands in the box seeded again."""
    _forget_typing()
    state.redraw()


def take_moved() -> bool:
    """Whether the whole page must be drawn anew, once."""
    return bool(st.session_state.pop(state.MOVED, False))


def _forget_typing() -> None:
    st.session_state.pop(_TYPED, None)
    st.session_state[_ROUND] = st.session_state.get(_ROUND, 0) + 1


def _moved(shown: Shown, done: str = "accepted") -> None:
    """On to the next text of the list, as the list and other people's screens are now. done: the status given."""
    state.mark_saved()
    state.toast(t(edit_notes.DONE[done]))
    for key in (f"chosen-{shown.example_id}", f"aim-{shown.example_id}"):
        st.session_state.pop(key, None)
    project, view = shown.project, state.view()
    taken = frozenset(project.presence.claimed_by_others(people.holder()))
    go_to(following(project.cards.queue(view, state.annotator()).narrowed, shown.example_id, view.show, taken))
    st.session_state[_ADVANCED] = True


def take_advanced() -> bool:
    """Whether the card came by itself after a decision, once: then nobody chose it."""
    return bool(st.session_state.pop(_ADVANCED, False))


def status(card: Card) -> str:
    """The card's live status; 'pending' where nothing was decided."""
    return card.decision.status if card.decision else "pending"
