"""The quality card and the options of the search, through the app, with every prediction cached."""

from cod_core.counterfactuals.options import LlmOptions
from cod_core.project.jobs import Jobs
from cod_core.store import projects
from cod_core.types import Task
from ui.proposals import quality_card, search_options


def sound(test):
    assert not test.exception, test.exception


def words(test):
    return " ".join(
        [h.body for h in test.get("html") if hasattr(h, "body")]
        + [str(h.proto.body) for h in test.get("html")]
        + [c.value for c in test.caption]
    )


def test_the_card_shows_the_funnel_and_the_limits_can_be_changed(filled, screen, workspace):
    test = screen("proposals", filled)
    sound(test)
    next(t for t in test.toggle if t.key == "quality").set_value(True).run()
    sound(test)
    assert "not decided yet" in words(test) and "small enough" in words(test)
    assert "3 of 4" in words(test), "a share would leave out the texts without a proposal"
    next(n for n in test.number_input if n.key == "limit-edit_fraction_reject").set_value(0.01)
    next(b for b in test.button if b.label == "Save limits").click().run()
    sound(test)
    assert workspace.project(filled).quality.limits().edit_fraction_reject == 0.01


def test_the_technical_view_names_what_measured_fluency(filled, screen):
    """A fluency number whose judge is not named could be anything."""
    test = screen("proposals", filled)
    next(t for t in test.toggle if t.key == "quality").set_value(True).run()
    next(t for t in test.toggle if t.key == "quality-technical").set_value(True).run()
    sound(test)
    assert "word pairs" in words(test) or "NLL" in words(test)


def test_hostile_reasons_are_escaped():
    from cod_core.counterfactuals.quality import Stage

    assert "<script>" not in quality_card.funnel([Stage("tried", 2, {"<script>": 1})])


def test_targets_are_asked_for_with_three_labels_only(filled, screen, workspace):
    test = screen("proposals", filled)
    assert not [s for s in test.selectbox if s.key == "search-targets"]
    three = workspace.create_project("Three", Task("Tone?", ("negative", "neutral", "positive")))
    from cod_core.store import items
    from cod_core.types import Example

    items.add_examples(workspace.db, three, [Example(f"t{i}", f"text {i}", ("negative", "neutral", "positive")[i % 3]) for i in range(6)])
    projects.set_teacher(workspace.db, three, {"kind": "builtin", "name": "movies"})
    test = screen("proposals", three)
    sound(test)
    assert [s for s in test.selectbox if s.key == "search-targets"]


def test_every_source_of_the_library_has_a_plain_name():
    """A source that the page does not name could never be switched on again."""
    from cod_core.project.proposals.searcher import SOURCES

    assert set(search_options.SOURCES) == set(SOURCES)


def test_a_language_model_can_help_the_search_and_the_page_says_where_texts_go(filled, workspace, screen):
    workspace.project(filled).clients.remember(LlmOptions("http://models.example:8000/v1", "small"))
    test = screen("proposals", filled)
    assert any("No text leaves this computer" in c.value for c in test.caption)
    pills = next(b for b in test.button_group if b.key == "search-sources")
    assert "Words of small at models.example 8000" in pills.options
    pills.set_value([*pills.value, "words of small"]).run()
    sound(test)
    assert any("Your texts are sent to models.example 8000" in c.value for c in test.caption)
    assert workspace.project(filled).searcher.llm_source_names()["words of small"] == "models.example:8000"


def test_with_many_labels_the_page_says_that_the_search_teaches_little(workspace, screen):
    from cod_core.store import items
    from cod_core.types import Example

    for n in (3, 4):
        labels = tuple(f"topic {i}" for i in range(n))
        pid = workspace.create_project(f"{n} topics", Task("About what?", labels))
        items.add_examples(workspace.db, pid, [Example(f"t{i}", f"text {i}", labels[i % n]) for i in range(8)])
        projects.set_teacher(workspace.db, pid, {"kind": "builtin", "name": "movies"})
        test = screen("proposals", pid)
        sound(test)
        assert ("With so many labels" in "".join(h.value for h in test.html)) == (n == 4)


def topics_project(workspace, n):
    from cod_core.store import items
    from cod_core.types import Example

    names = ("world", "sports", "business", "science")
    pid = workspace.create_project(f"Topics {n}", Task("What is it about?", names))
    items.add_examples(workspace.db, pid, [Example(f"n{i}", f"news {i}", names[i % 4]) for i in range(n)])
    projects.set_teacher(workspace.db, pid, {"kind": "builtin", "name": "movies"})
    return pid


def started(test, monkeypatch):
    """What the button starts."""

    asked = []
    monkeypatch.setattr(Jobs, "start", lambda self, kind, request, key=None: asked.append((kind, request.to_json())))
    next(b for b in test.button if b.key == "generate").click().run()
    sound(test)
    return asked[0]


def test_for_topics_clear_changes_to_every_label_in_turn_are_the_default(workspace, screen, monkeypatch):
    """Single words flip a teacher of topics and teach students nothing (docs/experiments.md)."""
    test = screen("proposals", topics_project(workspace, 120))
    sound(test)
    kind, params = started(test, monkeypatch)
    assert kind == "generate" and params["second"] and params["at_least"] == 0.95 and "targets" not in params


def test_with_few_texts_of_topics_the_page_says_how_many_a_second_judge_needs(workspace, screen, monkeypatch):
    test = screen("proposals", topics_project(workspace, 40))
    sound(test)
    assert "until there are 100" in words(test)
    assert "second" not in started(test, monkeypatch)[1]


def test_unlabelled_texts_that_students_are_judged_on_teach_no_second_judge(workspace, screen, monkeypatch):
    """It would choose counterfactuals by knowing the answers; with 100 labelled test texts these are what is judged."""
    from cod_core.store import items
    from cod_core.types import Example

    pid = topics_project(workspace, 40)
    items.add_examples(workspace.db, pid, [Example(f"u{i}", f"more news {i}", None, "unlabelled") for i in range(200)])
    assert workspace.project(pid).searcher.surrogate_learns_from() == (("train",), 40)
    test = screen("proposals", pid)
    assert "labelled texts until there are 100" in words(test) and "second" not in started(test, monkeypatch)[1]
    items.add_examples(workspace.db, pid, [Example(f"t{i}", f"test news {i}", "world", "test") for i in range(100)])
    assert workspace.project(pid).searcher.surrogate_learns_from() == (("train", "unlabelled"), 240)
    assert started(screen("proposals", pid), monkeypatch)[1]["second"]


def test_with_two_labels_the_smallest_change_stays_the_default(filled, screen, monkeypatch):
    test = screen("proposals", filled)
    assert not {"second", "at_least", "targets"} & set(started(test, monkeypatch)[1])
