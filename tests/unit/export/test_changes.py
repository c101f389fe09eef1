"""Two exports side by side: a pair that was lost or changed in silence is what nobody notices in a file of thousands."""

import json
from dataclasses import replace

import pytest
from export_items import ITEMS, LABELS, PROJECT, item
from typer.testing import CliRunner

import cod_core.__main__  # noqa: F401  registers every command
from cod_core.commands.shell import app
from cod_core.errors import BadInput
from cod_core.export.bundle import write_bundle
from cod_core.export.changes import changes, of_record, read_pairs
from cod_core.export.convert import to_record
from cod_core.export.forms import FORMS, Words, form_for, write_form

KEPT = [*ITEMS[:4], item("=1+1 and, a film", "=1+1 and,\na movie")]
FILES = {form.key: form.name for form in FORMS}


def write(folder, key, items):
    path = folder / FILES[key]
    if key == "bundle":
        write_bundle(path, PROJECT, items)
    else:
        write_form(path, form_for(path.name, key), items, Words(LABELS))
    return path


@pytest.mark.parametrize("key", FILES)
def test_every_form_that_leaves_can_be_compared_with_the_set_it_came_from(key, tmp_path):
    """Prevents: a form in which each pair looks changed, by a quotation mark, an apostrophe or a line break."""
    path = write(tmp_path, key, KEPT)
    found = changes(read_pairs(path.name, path.read_bytes()), [of_record(to_record(one)) for one in KEPT])
    assert (found.added, found.lost, found.changed, found.same) == ((), (), (), 5)


def test_what_was_added_lost_and_changed_is_told_apart(tmp_path):
    edited = replace(KEPT[1], counterfactual=replace(KEPT[1].counterfactual, text="dreadful acting"), check=None)
    edited = replace(edited, decision=replace(edited.decision, override_reason="sure"))
    earlier, later = write(tmp_path, "bundle", KEPT[:3]), write(tmp_path, "label-studio", [edited, KEPT[2], KEPT[3]])
    done = CliRunner().invoke(app, ["compare-exports", str(earlier), str(later)])
    assert done.exit_code == 0 and done.stdout.startswith("1 pair added, 1 lost, 1 changed, 1 the same.")
    assert "  + not flipped text [positive]" in done.stdout and "  - a splendid film [positive]" in done.stdout
    assert "~ counterfactual, flip changed" in done.stdout and "dreadful acting" in done.stdout
    told = json.loads(CliRunner().invoke(app, ["compare-exports", str(earlier), str(later), "--json"]).stdout)
    assert [change["parts"] for change in told["changed"]] == [["counterfactual", "flips"]] and told["same"] == 1


def test_several_counterfactuals_of_one_original_are_matched_by_their_words():
    one, two = (of_record(to_record(item("a film", words))) for words in ("a movie", "a flick"))
    assert changes([one, two], [two, one]).same == 2
    found = changes([one], [two, one])
    assert found.added == (two,) and found.same == 1


def test_a_file_without_pairs_or_with_half_a_pair_is_refused_in_words(tmp_path):
    with pytest.raises(BadInput, match="no pairs that this app exported"):
        read_pairs("a.csv", b"text,label\nx,y\n")
    lines = write(tmp_path, "doccano", KEPT[:2]).read_bytes().splitlines(keepends=True)
    with pytest.raises(BadInput, match="1 original and 0 counterfactuals"):
        read_pairs("a.jsonl", b"".join(lines[:1]))
    with pytest.raises(BadInput, match="cannot be read whole"):
        read_pairs("a.jsonl", b"".join(lines) + b"{broken\n")
