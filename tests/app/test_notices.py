"""A sentence for the top of the page: seen although the page runs anew at once, and gone afterwards."""

from streamlit.testing.v1 import AppTest

from ui.frame import state


def page() -> None:
    import streamlit as st

    from ui.frame import errors, state

    if st.button("Do it"):
        state.notice("It is done.")
        st.rerun()
    if waiting := state.take_notice():
        errors.box(*waiting)


def said(test: AppTest) -> bool:
    return any("It is done." in h.value for h in test.html)


def test_a_notice_outlives_a_run_that_a_component_asks_for(monkeypatch):
    """Prevents: a browser that answers a moment later wipes the sentence before it can be read."""
    test = AppTest.from_function(page).run()
    test.button[0].click().run()
    assert said(test)
    test.run()
    assert said(test), "the same page, at once"
    monkeypatch.setattr(state, "STAYS_S", 0.0)
    test.run()
    assert not said(test)
    test.run()
    assert not said(test)


def test_the_next_notice_takes_the_place_of_the_one_that_stands(monkeypatch):
    monkeypatch.setattr(state, "STAYS_S", 60.0)
    test = AppTest.from_function(page).run()
    for _ in range(2):
        test.button[0].click().run()
        assert said(test) and not test.exception
