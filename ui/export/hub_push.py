"""Sending the set to a hub: what leaves, where to, and only then the button."""

import streamlit as st

from cod_core.export.choice import ExportChoice
from cod_core.project.project import Project
from ui.frame import errors, layout, people, state
from ui.frame.words import t

HUB = "huggingface.co"


def section(project: Project, choice: ExportChoice) -> None:
    """An option, folded away; owners only."""
    with st.expander(t("Send it to the Hugging Face hub"), icon=":material/cloud_upload:"):
        if not people.only_for("hub push", "Sending data away"):
            return
        repo = st.text_input(t("Repository"), placeholder=t("your-name/your-set"), max_chars=120, key="hub-repo").strip()
        token = st.text_input(t("Token (used once, kept nowhere)"), type="password", key="hub-token", max_chars=200)
        private = st.toggle(t("Private"), True, key="hub-private")
        if not st.toggle(t("Show what would leave this computer"), key="hub-show"):
            return
        plan = project.exports.hub_plan(choice)
        size = sum(n for _, n in plan)
        who = t("only you and your organisation") if private else t("everybody on the internet")
        errors.box(
            t(
                "{n} files, {size:,.0f} KB, go to {hub}, where {who} can read them. The history of decisions and "
                "raw answers of models stay here.",
                n=len(plan),
                size=size / 1024,
                hub=HUB,
                who=who,
            ),
            "warn",
        )
        layout.grid([{t("file"): name, t("bytes"): n} for name, n in plan])
        if st.button(t("Send these files"), key="hub-send", disabled=not repo):
            with errors.shown(), st.spinner(t("Sending …")):
                address = project.exports.push_to_hub(repo, token, private, choice)
                state.notice(t("Sent: {address}", address=layout.plain(address, 120)))
                st.rerun()
