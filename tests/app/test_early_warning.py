"""Where counterfactuals do not pay: said on Curate and on Distil with its figures, and not where they do."""

import time

import pytest
from conftest_app import words

from tests.unit.workspace.small_world import TURN, World
from ui.shared import early_warning

SAID = "So far counterfactuals do not pay here"


class Mislabelled(World):
    """Counterfactuals that the teacher takes for the other label and that read as their text did."""

    def _read(self, text, at, vector):
        super()._read(text, at, vector * TURN if text.startswith("turned") else vector)


@pytest.fixture
def project_of(workspace):
    """A function (kind of world, accepted pairs) -> (project's id, its numbers on record)."""

    def made(kind=Mislabelled, pairs=20):
        world = kind(workspace, train=40)
        world.keep(world.ids[:pairs])
        world.add_texts("validation", 40)
        project, end = workspace.project(world.pid), time.monotonic() + 20
        while not project.live.now()[1]:
            assert time.monotonic() < end
            time.sleep(0.02)
        return world.pid, project.live.now()[0]

    return made


def test_both_pages_warn_with_the_figures_and_the_way_on(project_of, screen):
    pid, live = project_of()
    for page in ("curate", "distill"):
        test = screen(page, pid)
        assert not test.exception and SAID in words(test)
        assert "10 texts with their counterfactuals" in words(test) and "; 40 development texts)" in words(test)
        assert f"It is {100 * live.early.with_:.1f} % sure" in words(test) and f"instead of {100 * live.early.without:.1f} %" in words(test)
    test = screen("curate", pid)
    test.button(key="next-distill").click().run()
    assert "Three ways" in "".join(h.value for h in test.subheader)


@pytest.mark.parametrize(("kind", "pairs"), [(World, 20), (Mislabelled, 19)])
def test_nothing_is_said_where_they_pay_or_where_there_is_too_little(project_of, screen, kind, pairs):
    pid, _ = project_of(kind, pairs)
    assert all(SAID not in words(screen(page, pid)) for page in ("curate", "distill"))


def test_who_goes_on_regardless_is_not_told_again_while_curating(project_of, screen):
    pid, _ = project_of()
    test = screen("curate", pid)
    test.button(key="early-go-on").click().run()
    assert SAID not in words(test)
    test.run()
    assert SAID not in words(test) and SAID in words(test.switch_page("pages/distill.py").run())


def test_what_is_measured_later_comes_without_a_press(project_of, screen, monkeypatch):
    """The numbers are made beside the page; a page that was faster than they are would never say them."""
    pid, live = project_of()
    answers = iter([(None, False)])
    monkeypatch.setattr("cod_core.project.results.live.LiveStrip.now", lambda self, mark=None: next(answers, (live, True)))
    assert SAID in words(screen("distill", pid))


def test_german_says_the_same_figures(project_of, screen, monkeypatch):
    pid, live = project_of()
    monkeypatch.setenv("COD_LANGUAGE", "de")
    said = words(screen("distill", pid))
    assert "Bisher lohnen sich Gegenbeispiele hier nicht" in said and f"statt zu {100 * live.early.without:.1f} %".replace(".", ",") in said
    assert early_warning.TRIED.template not in said
