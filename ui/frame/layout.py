"""The frame of every page: style, sidebar with project switcher and stepper, headers, empty states.

Texts of the person never reach Markdown here: they go through `plain` (labels of widgets, where Streamlit reads
Markdown) or `html.escape` (own HTML).
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextvars import ContextVar
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import streamlit as st

from cod_core.said import Said, msg, say
from cod_core.said import several as several
from ui.frame import errors, state, tour
from ui.frame.words import CHOSEN, LANGUAGES, language, number, t

if TYPE_CHECKING:  # the first paint needs no database
    from streamlit.delta_generator import DeltaGenerator
    from streamlit.navigation.page import Page

    from cod_core.data.reading import Problem
    from cod_core.project.project import Project
    from cod_core.project.summary import Summary
    from cod_core.store.projects import ProjectRow

PAGES = {
    "start": ("pages/start.py", msg("Start")),
    "data": ("pages/data.py", msg("Data")),
    "teacher": ("pages/teacher.py", msg("Teacher")),
    "proposals": ("pages/proposals.py", msg("Proposals")),
    "curate": ("pages/curate.py", msg("Curate")),
    "review": ("pages/review.py", msg("Review")),
    "distill": ("pages/distill.py", msg("Distil")),
    "results": ("pages/results.py", msg("Results")),
    "compare": ("pages/compare.py", msg("Compare runs")),
    "moons": ("pages/moons.py", msg("Two moons")),
    "export": ("pages/export.py", msg("Export")),
    "settings": ("pages/settings.py", msg("Settings")),
}
STEPS = ("data", "teacher", "proposals", "curate", "distill", "results", "export")
_OPENED: ContextVar[bool] = ContextVar("opened", default=False)
_CSS = Path(__file__).with_name("style.css")
_ACTIVE_IN_MARKDOWN = re.compile(r"[\[\]()!`*_<>$:~#\\|{}@^=\x00-\x1f]|www\.")


def navigate() -> "Page":
    """The page that the address names, with Streamlit's own menu hidden."""
    pages = [
        st.Page(path, title=t(title), url_path="" if name == "start" else name, default=name == "start")
        for name, (path, title) in PAGES.items()
    ]
    if asked := _unknown():
        pages.append(st.Page(_to_start if asked == "start" else _lost, title=t(PAGES["start"][1]), url_path=asked))
    return st.navigation(pages, position="hidden")


def _unknown() -> str:
    """What the address names where no page has that address, else an empty string. The start page has the bare one."""
    base = (st.get_option("server.baseUrlPath") or "").strip("/")
    asked = unquote(urlsplit(st.context.url or "").path).strip("/").removeprefix(base).strip("/")
    return "" if (asked in PAGES and asked != "start") or "/" in asked else asked


def _to_start() -> None:
    """Stands at /start, which people type: Streamlit keeps the start page at the bare address alone."""
    go("start")


def _lost() -> None:
    """Stands where there is no page, so that the app says it and not Streamlit's dialog: on to the start page."""
    state.notice("The page in the address does not exist. This is the start page.", "warn")
    go("start")


def run(page: "Page") -> None:
    """Run a page inside the frame that app.py has made."""
    token = _OPENED.set(True)
    try:
        page.run()
    finally:
        _OPENED.reset(token)


def through_app() -> None:
    """First line of every page: where Streamlit ran its file without app.py (see docs/architecture.md), begin again."""
    if not _OPENED.get():
        navigate()
        st.rerun()


def plain(text: object, limit: int = 60) -> str:
    """A person's text as a widget label: one line, at most `limit` characters, no Markdown left in it."""
    line = " ".join(_ACTIVE_IN_MARKDOWN.sub(" ", str(text)).split())
    line = re.sub(r"^([-+]|\d+\.)\s", "", line)
    return (line[: limit - 1] + "…" if len(line) > limit else line) or t("(no name)")


def distinct(names: Iterable[str]) -> list[str]:
    """The names with (2), (3) … on those that came before. Streamlit takes two options of one name for the first of them."""
    out: list[str] = []
    for name in names:
        times, numbered = 1, name
        while numbered in out:
            times += 1
            numbered = f"{name} ({times})"
        out.append(numbered)
    return out


def words(names: Mapping[Any, str]) -> Callable[[Any], str]:
    """A format_func: the option's words, those that were marked (msg, say) in the language of the screen. Streamlit also asks for what it
    remembers, which may be no option any more."""

    def said(option: Any) -> str:
        name = names.get(option, "")
        return t(name) if isinstance(name, Said) else name

    return said


def style() -> None:
    """The style sheet of the app's own HTML, and the language of the page."""
    st.html(_CSS)
    if (spoken := language()) != "en":  # what Streamlit and the style sheet say, and what a screen reader reads it as
        drop = t("or drop the file here").replace('"', "")
        st.html(
            f'<style>:root {{ --cod-drop: "{escape(drop)}"; }}</style><script>document.documentElement.lang = "{spoken}"</script>',
            unsafe_allow_javascript=True,
        )


def header(title: str, lead: str) -> None:
    """The page's title and one sentence on what to do here, "" for none; both are the app's own words, in English."""
    st.title(t(title), anchor=False)
    if lead:
        st.html(f'<p class="cod-lead">{escape(t(lead))}</p>')
    tour.panel(next((name for name, (_, its_title) in PAGES.items() if its_title == title), ""))
    if page := tour.take_go():
        go(page)
    if waiting := state.take_notice():
        errors.box(*waiting)


def go(page: str) -> None:
    """Change to a page, with the project kept in the URL."""
    st.switch_page(PAGES[page][0], query_params=state.params())


def next_step(page: str, label: str, primary: bool = True) -> None:
    """A button to the next page."""
    if st.button(
        t(label), type="primary" if primary else "secondary", icon=":material/arrow_forward:", icon_position="right", key=f"next-{page}"
    ):
        go(page)


def empty(title: str, what_to_do: str, page: str | None = None, label: str = "") -> None:
    """An empty state that says what to do next, with the button that does it."""
    st.html(f'<div class="cod-empty"><b>{escape(t(title))}</b>{escape(t(what_to_do))}</div>')
    if page:
        next_step(page, label)


def counts(pairs: Iterable[tuple[object, str]]) -> None:
    """A row of large numbers with their names."""
    spelt = [(number(n) if isinstance(n, int) else str(n), name) for n, name in pairs]
    cells = "".join(f"<div><b>{escape(n)}</b><span>{escape(name)}</span></div>" for n, name in spelt)
    st.html(f'<div class="cod-counts">{cells}</div>')


def balance(by_label: dict[str, int]) -> None:
    """One bar a label."""
    top = max(by_label.values(), default=0) or 1
    rows = "".join(
        f'<span>{escape(label)}</span><i style="width:{100 * n / top:.0f}%"></i><span>{number(n)}</span>' for label, n in by_label.items()
    )
    st.html(f'<div class="cod-balance" role="img" aria-label="{escape(t("texts a label"))}">{rows}</div>')


def grid(columns: Mapping[str, Sequence[Any]] | Sequence[Mapping[str, Any]], row_height: int = 35, most: int = 10, **more: Any) -> None:
    """A table of columns {name: values} or of rows, at its final height from the first paint: Streamlit gives a table
    40 pixels until its code has come, and what lies below jumps away from under a hand that presses. most: rows in view."""
    n = len(next(iter(columns.values()), ())) if isinstance(columns, Mapping) else len(columns)
    st.dataframe(columns, hide_index=True, row_height=row_height, height=min(50 + most * 35, 35 + n * row_height + 2), **more)


def problem_list(problems: "Sequence[Problem]") -> None:
    """Every problem row with its number and a sentence."""
    rows = "".join(f"<li>{_row(p.row)}{escape(t(p.message))}</li>" for p in problems[:500])
    more = f"<li>{t('… and {n} more', n=len(problems) - 500)}</li>" if len(problems) > 500 else ""
    st.html(f'<ul class="cod-list">{rows}{more}</ul>')


def _row(at: int) -> str:
    return f"<b>{t('Row {at}', at=at)}</b>" if at else ""


def need_project() -> "Project":
    """The open project; stops the page with an empty state where none is open."""
    project = state.project()
    if project is None:
        header("No project is open", "Open a project or try the sample first.")
        next_step("start", "Go to the start screen")
        st.stop()
    return project


def distilled(project: "Project") -> bool:
    """Whether the project has results; asked of the store until it has, remembered then."""
    key = f"distilled-{project.id}"
    if not st.session_state.get(key):
        st.session_state[key] = project.results.latest() is not None
    return bool(st.session_state[key])


def done_steps(summary: "Summary", runs: bool) -> dict[str, tuple[bool, str]]:
    """Step -> (done, short note) from the workspace's summary. runs: whether there are results."""
    proposed, decided, taught = summary.n_proposed_texts, summary.n_decided, bool(summary.teacher_label)
    pairs = several(summary.n_accepted, "pair") if summary.n_accepted and taught else ""  # without a teacher none leaves
    return {
        "data": (summary.n_train > 0, several(summary.n_texts, "text") if summary.n_texts else ""),
        "teacher": (taught, msg("check again") if taught and summary.stale else msg("choose one") if proposed and not taught else ""),
        "proposals": (proposed > 0, say("{n:,}", n=proposed) if proposed else ""),
        "curate": (summary.n_accepted > 0, say("{n:,} of {of:,}", n=decided, of=proposed) if proposed else ""),
        "distill": (runs, ""),
        "results": (runs, ""),
        "export": (False, pairs),
    }


def sidebar() -> "DeltaGenerator":
    """Brand, project switcher, stepper, saved mark; the place of what is next, which is counted once the page is drawn."""
    with st.sidebar:
        st.html('<div class="cod-brand">Counterfactual<br>Curation</div>')
        pid = state.project_id()
        projects = _projects()
        by_id = {p.id: p for p in projects}
        if pid is not None and pid not in by_id:
            state.open_project(None)
            state.notice("The project in the address does not exist (any more). Choose another.", "warn")
            go("start")
        if projects:
            _switcher(by_id, pid)
        if pid is None:
            st.page_link(PAGES["start"][0], label=t("Start"), icon=":material/home:")
        else:
            _stepper(pid)
        following = st.container()
        if pid is not None:
            st.page_link(PAGES["review"][0], label=t("Review and guideline"), icon=":material/fact_check:", query_params=state.params())
        st.page_link(PAGES["settings"][0], label=t("Settings and help"), icon=":material/settings:", query_params=state.params())
        st.button(
            t("Hide technical details") if state.technical() else t("Show technical details"),
            key="technical-switch",
            type="tertiary",
            icon=":material/code:",
            on_click=state.toggle_technical,
        )
        _language()
        if at := state.saved_at():
            st.html(f'<div class="cod-saved" role="status"><b>✓</b> {escape(t("Saved {at}", at=at))}</div>')
    return following


def _language() -> None:
    """The choice of a language, each in its own words."""
    st.session_state.setdefault(CHOSEN, language())
    st.selectbox(t("Language"), list(LANGUAGES), format_func=lambda code: LANGUAGES.get(code, ""), label_visibility="collapsed", key=CHOSEN)


def next_step_at(place: "DeltaGenerator", page: str = "") -> None:
    """What to do now in the open project, with the way there unless this is the page (its name in the address). Each decision changes it,
    and it is counted over all texts, so whatever people wait for comes first."""
    pid = state.project_id()
    if pid is None:
        return
    with place, errors.shown():
        step = state.workspace().project(pid).next.steps()[0]
        st.html(f'<div class="cod-next"><b>{t("Next")}</b> {escape(t(step.sentence))}</div>')
        if step.page != page:
            st.page_link(
                PAGES[step.page][0],
                label=t("Go to {page}", page=t(PAGES[step.page][1])),
                icon=":material/arrow_forward:",
                query_params=state.params(),
            )


def _projects() -> "list[ProjectRow]":
    """Projects that are not put away, and the open one."""
    with errors.shown():
        return [p for p in state.workspace().projects() if p.archived_at is None or p.id == state.project_id()]
    return []


def _switcher(by_id: "dict[str, ProjectRow]", pid: str | None) -> None:
    options = [*by_id, "+"] if pid else list(by_id)
    oldest_first = list(by_id.items())[::-1]
    names = dict(zip((i for i, _ in oldest_first), distinct(plain(p.name, 40) for _, p in oldest_first)))
    names["+"] = t("New or other project…")
    chosen = st.selectbox(
        t("Project"),
        options,
        index=options.index(pid) if pid else None,
        format_func=words(names),
        placeholder=t("Open a project"),
        key=f"switch-{pid}",
    )
    if chosen and chosen != pid:
        state.open_project(None if chosen == "+" else chosen)
        go("start" if chosen == "+" else "data")


def _stepper(pid: str) -> None:
    steps: dict[str, tuple[bool, str]] = {}
    with errors.shown():
        project = state.workspace().project(pid)
        steps = done_steps(state.summary(project), distilled(project))
    for place, step in enumerate(STEPS, 1):
        done, note = steps.get(step, (False, ""))
        path, title = PAGES[step]
        st.page_link(
            path,
            label=f"{place}  {t(title)}" + (f"  ·  {t(note)}" if note else ""),
            icon=":material/check_circle:" if done else ":material/radio_button_unchecked:",
            query_params=state.params(),
        )
