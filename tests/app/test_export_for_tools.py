"""Export: the set for another tool, with what to do there; the pairs that changed since an earlier file."""

from dataclasses import replace

from cod_core.export.changes import Pair, changes
from cod_core.store import items
from ui.export.compared import rows_of
from ui.export.other_tools import OFFERED


def test_each_tool_has_its_file_and_says_what_to_do_with_it(filled, screen, workspace):
    """Prevents: tasks for Label Studio without the interface that they belong to."""
    workspace.project(filled).curation.decide("c0", "accepted", "ann")
    test = screen("export", filled)
    tool = next(s for s in test.selectbox if s.key == "x-tool")
    assert tool.options[0] == "Label Studio" and len(tool.options) == len(OFFERED) == 7
    assert any("<Choice value=" in code.value for code in test.code)
    for key in OFFERED:
        next(s for s in test.selectbox if s.key == "x-tool").set_value(key).run()
        assert not test.exception and any(c.value == OFFERED[key].said for c in test.caption), key
        assert workspace.project(filled).exports.form(key)


def test_a_changed_pair_is_shown_as_it_is_and_as_it_was():
    before = [Pair("a", "one", "no", "two", "yes", "yes"), Pair("b", "x", "no", "y", "yes", "yes")]
    rows = rows_of(changes(before, [replace(before[0], counterfactual="three"), Pair("c", "v", "no", "w", "yes", "yes")]))
    assert [(row["what"], row["counterfactual"]) for row in rows] == [
        ("added", "w"),
        ("lost", "y"),
        ("changed: counterfactual", "three"),
        ("it was", "two"),
    ]


def test_personal_data_is_looked_for_again_after_an_edit(filled, screen, workspace):
    """An edit with a mail address in the place of an accepted text moved no count, so the page went on saying that none was found."""
    project = workspace.project(filled)
    project.curation.decide("c0", "accepted", "ann")
    test = screen("export", filled)
    assert any("No mail address" in c.value for c in test.caption)
    [base] = items.counterfactuals_by_id(workspace.db, filled, ["c0"]).values()
    edit = replace(base, id="edit", text="Write to ann.smith@example.com, a dull film.")
    check = items.any_checks(workspace.db, filled)["c0"]
    items.add_counterfactuals(workspace.db, filled, [edit])
    items.add_checks(workspace.db, filled, [replace(check, counterfactual_id="edit")])
    project.curation.decide("edit", "accepted", "ann")
    test.run()
    assert not any("No mail address" in c.value for c in test.caption) and any("Likely personal data" in h.value for h in test.html)
