"""What the export takes along, what its card says, and the warning for likely personal data."""

import streamlit as st

from cod_core.export.choice import ExportChoice
from cod_core.project.project import Project
from cod_core.said import msg
from cod_core.types import KEPT
from ui.frame import errors, layout, state
from ui.frame.words import t

SPLITS = {"train": msg("Training"), "validation": msg("Development"), "test": msg("Test")}
AT_ONCE = 1000
"""So many pairs are searched for personal data without being asked to."""


def choose(project: Project) -> ExportChoice:
    """The person's choice; everything that was accepted, without names, to begin with."""
    task = project.row.task
    labels = list(task.labels)
    with st.expander(t("What to take along"), icon=":material/filter_alt:"):
        left, right = st.columns(2)
        kinds = left.pills(
            t("Decisions"), KEPT, selection_mode="multi", default=KEPT, key="x-kinds",
            format_func=layout.words({"accepted": msg("As proposed"), "edited": msg("With your change")}),
        )  # fmt: skip
        splits = right.pills(
            t("Parts (all where none is chosen)"), list(SPLITS), selection_mode="multi", format_func=layout.words(SPLITS), key="x-splits"
        )
        at = left.pills(
            t("Labels of the original (all where none is chosen)"),
            range(len(labels)),
            selection_mode="multi",
            format_func=lambda i: layout.plain(labels[i]),
            key="x-labels",
        )
        newest = task.guideline_version
        since = right.selectbox(
            t("Decided under"),
            range(1, newest + 1),
            format_func=lambda v: t("any guideline") if v == 1 else t("guideline {version} or newer", version=v),
            key="x-guide",
        )  # fmt: skip
        anonymise = left.toggle(t("Put A1, A2, … in place of people's names"), True, key="x-anon")
        flips = right.toggle(t("Only pairs that flip the teacher"), key="x-flips")
        rejected = left.toggle(t("Add the rejected pairs in a file of their own"), key="x-rejected")
    return ExportChoice(
        tuple(kinds or ()), tuple(splits or ()), tuple(labels[i] for i in at or ()), flips,
        since if since and since > 1 else None, anonymise, rejected,
    )  # fmt: skip


def personal(project: Project, choice: ExportChoice, n: int) -> None:
    """Warn where mail addresses, numbers of phones, accounts or patients would likely leave."""
    memo, key = "x-personal", (project.id, choice, project.results.marker())
    if st.session_state.get(memo, (None,))[0] != key:
        if n > AT_ONCE and not st.button(t("Look for personal data in the {n} pairs", n=n), key="x-look"):
            return
        st.session_state[memo] = (key, project.exports.personal_data(choice))
    counts, found = st.session_state[memo][1]
    if not counts:
        st.caption(t("No mail address, phone, account or patient number was found by pattern. Names are not searched for."))
        return
    said = ", ".join(
        t("{pairs} with a {kind}", pairs=layout.several(k, "pair"), kind=t(kind)) for kind, k in sorted(counts.items(), key=lambda x: -x[1])
    )
    errors.box(
        t(
            "Likely personal data in what would leave: {said}. Look at these texts before you give the set away; "
            "names of people are not searched for.",
            said=said,
        ),
        "warn",
    )
    with st.expander(t("Where"), icon=":material/privacy_tip:"):
        layout.grid([{t("kind"): t(kind), t("found"): piece, t("text"): i} for i, kind, piece in found])
        if st.session_state.pop("x-open", None):
            layout.go("curate")
        ids = list(dict.fromkeys(i for i, *_ in found))
        st.button(t("Open the first of them on the page Curate"), key="x-first", on_click=_open, args=(ids[0],))


@errors.callback
def _open(example_id: str) -> None:
    state.show_item(example_id)
    st.session_state["x-open"] = True


def card(project: Project) -> None:
    """The editor of the data card."""
    about = project.row.settings.get("card") or {}
    with st.expander(t("The card that goes with the set"), icon=":material/id_card:"), st.form("card", border=False):
        st.caption(t("It becomes the set's README: what it is, who made it, what others may do with it."))
        description = st.text_area(t("What is this set?"), about.get("description", ""), max_chars=5000, key="card-text")
        left, right = st.columns(2)
        authors = left.text_input(t("Made by"), about.get("authors", ""), max_chars=300, key="card-by")
        license_ = right.text_input(t("Licence"), about.get("license", ""), placeholder=t("cc-by-4.0"), max_chars=80, key="card-licence")
        languages = left.text_input(
            t("Languages, as codes"), ", ".join(about.get("languages", ())), placeholder=t("en, de"), max_chars=80, key="card-lang"
        )
        citation = right.text_input(t("Please cite"), about.get("citation", ""), max_chars=500, key="card-cite")
        if st.form_submit_button(t("Save the card")):
            project.exports.set_card(
                {
                    "description": description.strip(),
                    "authors": authors.strip(),
                    "license": license_.strip(),
                    "languages": [code.strip() for code in languages.split(",") if code.strip()],
                    "citation": citation.strip(),
                }
            )
            state.mark_saved()
            state.notice("The card is saved; the next download carries it.")
            st.rerun()
