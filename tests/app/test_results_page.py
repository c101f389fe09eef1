"""The Results page with a finished comparison on record: every section draws, clicks lead to Curate, nothing hostile gets
through; the report is one file that fetches nothing."""

import dataclasses
import re
import threading

import numpy as np
import pytest
from conftest_app import EVIL, LABELS, words
from safetensors.numpy import save_file

from cod_core.store import cache, items, runs
from cod_core.text import text_hash
from cod_core.types import Example, RunConfig, RunResult

SEEDS = 6
RED = "cod-box cod-error"


@pytest.fixture
def distilled(workspace, filled):
    """`filled` with decisions, development texts, and two arms of students of random heads, report written."""
    w, pid, rng = workspace, filled, np.random.default_rng(0)
    for i in (0, 1, 3):
        w.project(pid).curation.decide(f"c{i}", "accepted", "ann")
    dev = [Example(f"d{i}", f"Development film {i}.", LABELS[i % 2], "validation") for i in range(8)]
    items.add_examples(w.db, pid, [*dev, Example("evil", f"Test {EVIL}", LABELS[0], "test")])
    texts = [e.text for e in w.project(pid).texts.examples()] + [cf.text for cf in w.project(pid).pairs.state().counterfactuals]
    spread = rng.normal(size=(len(texts), 384)).astype(np.float32)
    spread /= np.linalg.norm(spread, axis=1, keepdims=True)
    with w.db.begin() as c:
        from cod_core.store import schema

        c.execute(schema.embeddings.delete())
    cache.put_embeddings(w.db, w.models.encoder().id, {text_hash(t): v for t, v in zip(texts, spread)})
    teacher = w.project(pid).teacher.classifier()
    cache.put_predictions(
        w.db,
        teacher.id,
        teacher.revision,
        {text_hash(e.text): (-0.1, -2.35) for e in w.project(pid).texts.examples() if e.split != "train"},
    )
    test, ids = w.project(pid).texts.examples("test"), []
    for arm in ("kd", "cod"):
        for seed in range(SEEDS):
            config = RunConfig("kd", arm, 4, seed, "linear", w.models.encoder().id, teacher.id, teacher.revision, f"h{arm}{seed}")
            told = rng.integers(0, 2, len(test)).astype("uint8")
            save_file(
                {"weight": rng.normal(size=(2, 384)).astype("float32"), "bias": np.zeros(2, "float32"), "test_predicted": told},
                w.settings.folder("students", pid) / f"{config.run_id}.safetensors",
            )
            metrics = {"n": 7.0, "accuracy": float(told.mean()), "agreement": 0.5, "mcc": 0.0, "majority": 0.5, "teacher_accuracy": 0.9}
            runs.put_runs(w.db, pid, [RunResult(config, {}, metrics, 0.1)])
            ids.append(config.run_id)
    w.project(pid).results.write_report(ids, [], [4])
    return pid


@pytest.mark.parametrize("section", ["bought", "line", "map", "answers", "worth"])
def test_every_section_draws_and_says_how_it_is_measured(distilled, screen, section):
    test = screen("results", distilled)
    next(g for g in test.button_group if g.key == "results-section").set_value(section).run()
    assert not test.exception and RED not in words(test), words(test)
    assert "With 4 training rows" in words(test) and f"Measured on a quick student, {SEEDS} draws of training texts." in words(test)
    assert section == "line" or any(e.label == "How this is measured" for e in test.expander)


def test_the_lines_are_drawn_from_what_was_measured(distilled, screen, workspace):
    """Without anything measured the chapter draws a button only, and its figures were looked at by nobody."""
    from cod_core.project.filing import write_json
    from tests.unit.workspace.test_results_sections import diagnosis

    results = workspace.project(distilled).results
    found = diagnosis()
    found = dataclasses.replace(found, report=results.report()["made_at"], gaps=found.gaps | {8: found.gaps[32]})
    write_json(results.report_path("diagnostics"), found.to_json())
    test = screen("results", distilled)
    next(g for g in test.button_group if g.key == "results-section").set_value("line").run()
    assert not test.exception and RED not in words(test), words(test)
    assert "gaps-sentence" in words(test) and "brought the lines together" in words(test)
    assert [g.value for g in test.button_group if g.key == "k-line"] == [8] and not [b for b in test.button if b.key == "diagnose"]
    assert "brought the lines together" in workspace.project(distilled).report.html()


def test_the_other_sections_are_made_while_the_first_one_is_read(distilled, screen, monkeypatch):
    from cod_core.project.results.influence import Influence
    from cod_core.project.results.maps import Maps

    test = screen("results", distilled)
    for thread in threading.enumerate():
        if thread.name == "results-ahead":
            thread.join(60)
    for room, verb in ((Maps, "text_map"), (Maps, "answers"), (Influence, "measure")):
        monkeypatch.setattr(room, verb, lambda *_: pytest.fail("it was on record"))
    for section in ("map", "answers", "worth"):
        next(g for g in test.button_group if g.key == "results-section").set_value(section).run()
        assert not test.exception and RED not in words(test), words(test)


def test_a_report_of_an_earlier_version_says_so_and_is_computed_again(distilled, screen, workspace):
    """It used to read as "no results yet", and the person trained everything again."""
    import json

    path = workspace.project(distilled).results.report_path()
    report = json.loads(path.read_text())
    path.write_text(json.dumps({**report, "effects": [{"k": 4, "mean": 0.1}]}))
    test = screen("results", distilled)
    assert "earlier version" in words(test)
    next(b for b in test.button if b.key == "renew").click().run()
    assert not test.exception and "With 4 training rows" in words(test)


def test_worth_and_map_name_the_items_that_curate_knows(distilled, workspace):
    ids = {c.example.id for c in workspace.project(distilled).cards.all()}
    seen = workspace.project(distilled).maps.text_map()
    assert {p["id"] for p in seen.pairs} <= ids and {p["status"] for p in seen.pairs} == {"accepted", "pending"}
    assert {v["id"] for v in workspace.project(distilled).influence.measure().values} <= ids


def test_the_report_is_one_file_that_fetches_nothing_and_escapes_texts(distilled, workspace):
    """It is sent to colleagues: a text in it must not run or call home on their machines."""
    html = workspace.project(distilled).report.html()
    own = re.sub(r"<script.*?</script>", "", html, flags=re.S)
    assert "<img" not in own and "default-src 'none'" in own and "leak.png" in own, "shown, but as text"
    assert not re.search(r"(src|href)\s*=\s*[\"']?(http|//)", own) and not re.search(r"<script[^>]+src=", html[:5000])
    assert html.count("With 4 training rows") >= 1 and html.count("How this is measured") >= 4


def test_compare_names_what_differs_and_pairs_the_draws(distilled, workspace, screen):
    sides = workspace.project(distilled).comparison.sides()
    assert {s.about["arm"] for s in sides} == {"kd", "cod"} and len(sides[0].run_ids) == SEEDS
    found = workspace.project(distilled).comparison.compare(sides[0].id, sides[1].id)
    assert found.differs == ["arm"] and found.draws == SEEDS
    accuracy = next(m for m in found.measures if m["name"] == "accuracy")
    assert accuracy["mean"] == pytest.approx(accuracy["second"] - accuracy["first"]) and not accuracy["clear"]
    same = workspace.project(distilled).comparison.compare(sides[0].id, sides[0].id)
    assert same.differs == [] and all(m["mean"] == 0 for m in same.measures)
    test = screen("compare", distilled)
    assert not test.exception and RED not in words(test) and "cod-differs" in words(test)


def test_pairs_of_one_source_alone_can_be_chosen(distilled, workspace):
    assert workspace.project(distilled).pairs.sources() == {"source": {"search: search": 3}, "prompt": {"none": 3}, "annotator": {"ann": 3}}
    assert len(workspace.project(distilled).pairs.chosen({"annotator": "ann"})) == 3
    assert workspace.project(distilled).pairs.chosen({"annotator": "bob"}) == {}


def test_the_strip_says_what_to_look_at_next_and_why(distilled, workspace, screen):
    live = workspace.project(distilled).live.measure()
    assert live.n == 3 and live.n_dev == 8 and live.unread == 0 and live.without is None
    assert live.next is None, "the one text left does not flip"
    workspace.project(distilled).curation.undo("ann")
    assert workspace.project(distilled).live.measure().next.example_id == "e3" and workspace.project(distilled).live.measure().next.reasons
    test = screen("curate", distilled)
    assert not test.exception and "For variety, next" in words(test)


def test_two_moons_draw_without_a_project(home, screen, monkeypatch):
    from cod_core.diagnostics import two_moons

    small = two_moons.Moons(teacher_rows=60, teacher_steps=40, student_steps=40, grid=30)
    whole = two_moons.demonstrate
    monkeypatch.setattr(two_moons, "demonstrate", lambda seeds, _settings: whole(seeds, small))
    test = screen("moons")
    assert not test.exception and RED not in words(test)
    assert any("Largest distance" in c.value for c in test.caption)


def test_what_could_not_be_computed_is_named_as_everywhere_else(distilled, screen, monkeypatch):
    """“cod_plus” stands nowhere else on the page."""
    from cod_core.project.results.results import Results

    real = Results.latest
    monkeypatch.setattr(Results, "latest", lambda self: dataclasses.replace(real(self), messages=["cod_plus: too few.", "kd_or_not: so."]))
    told = [t.value for t in screen("results", distilled).text]
    assert "Texts plus their counterfactuals: too few." in told and "kd_or_not: so." in told
