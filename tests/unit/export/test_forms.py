"""The set for other tools: what leaves is read back by our own readers, and by `datasets`, with the same texts, labels and order."""

import io
import json
import tempfile
import zipfile
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from export_items import ITEMS, LABELS, PROJECT, a_pair, item
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cod_core.counterfactuals.imported import import_pairs
from cod_core.data.reading import read_table
from cod_core.data.tables import guess_columns, of_pairs, to_examples
from cod_core.errors import BadInput, CodError
from cod_core.export.bundle import bundle_bytes, open_bundle
from cod_core.export.changes import changes, of_record, read_pairs
from cod_core.export.convert import to_record
from cod_core.export.forms import FORMS, KEYS, Words, form_for, write_form
from cod_core.types import Task

ROWS = ("label-studio", "doccano", "prodigy", "argilla", "dataset", "parquet")
WORDS = Words(LABELS, ("bad", "good"), "Be kind.")
TOLD = {"dataset": "table", "parquet": "table"}


def written(key, items, labels=LABELS):
    """The bytes of a form, by the way that the command and the page take."""
    form = form_for(next(one.name for one in FORMS if one.key == key), key)
    with tempfile.TemporaryDirectory() as folder:
        write_form(Path(folder) / form.name, form, items, Words(labels, WORDS.descriptions, WORDS.guideline))
        return form.name, (Path(folder) / form.name).read_bytes()


def table_of(key, items, labels=LABELS):
    return read_table(*written(key, items, labels))


def rows_in(table):
    """(text, label, pair_id, role) a row."""
    columns = guess_columns(table)
    return list(zip(table.column(columns.text), table.column(columns.label), table.column("pair_id"), table.column("role")))


def expected(items):
    out = []
    for one in items:
        a, b = (one.example.text, one.example.label), (one.counterfactual.text, one.counterfactual.target)
        out += [(*a, one.example.id, "original"), (*b, one.example.id, "counterfactual")]
    return out


def by_split(items):
    order = ("train", "validation", "test")
    return sorted(items, key=lambda one: order.index(one.example.split))


KEPT = [ITEMS[0], ITEMS[1], ITEMS[2], ITEMS[3]]


@pytest.mark.parametrize("key", ROWS)
def test_our_own_reader_takes_the_file_for_what_it_is_and_gives_the_same_rows(key):
    """Prevents: a file that only we call Label Studio's."""
    table = table_of(key, ITEMS)
    assert table.taken.shape == TOLD.get(key, key) and not table.problems
    assert rows_in(table) == expected(by_split(KEPT) if key in ("dataset", "parquet") else KEPT)
    flips = dict(zip(table.column("pair_id"), table.column("flips")))
    assert [flips[one.example.id] for one in KEPT] == ["yes", "yes", "yes", "no"]
    assert dict(zip(table.column("pair_id"), table.column("split")))[ITEMS[1].example.id] == "test"


def test_what_a_person_kept_of_their_columns_and_the_document_come_along():
    for key in ("label-studio", "doccano", "prodigy", "argilla"):
        table = table_of(key, [ITEMS[1]])
        assert table.column("ward") == ["3", "3"] and table.column("source_id") == ["doc7", "doc7"], key


def test_columns_of_the_person_never_stand_in_for_ours():
    """A kept column 'pair_id' or 'label' would tear pairs apart."""
    bad = dict.fromkeys(("text", "label", "pair_id", "id", "split", "role", "annotations", "cats", "labels", "accept", "answer"), "mine")
    for key in ROWS[:-1]:
        table = table_of(key, [item(metadata=bad)])
        assert rows_in(table) == expected([item()]), key


LETTERS = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=30)
AWKWARD = st.sampled_from(
    [
        "a\nb",
        "x, y; z\t|",
        "=1+1",
        "🙂 çÄ",
        '"quoted" text',
        "'apostrophe",
        '{"text": 1}',
        "__label__x y",
        "null",
        "-1",
        "true",
        "a # b",
        "‮x",
    ]
)
TEXTS = st.one_of(AWKWARD, LETTERS, st.builds("{}\r\n{}".format, AWKWARD, LETTERS)).filter(lambda t: t.strip() == t and t)
NAMES = st.one_of(
    st.sampled_from(["a, b", "a # b", 'say "no"', "0", "1", "yes & <no>", "ja/nein"]), LETTERS.filter(lambda t: t.strip() == t)
)


@st.composite
def sets(draw):
    labels = tuple(draw(st.lists(NAMES, min_size=2, max_size=4, unique_by=str.casefold)))
    texts = draw(st.lists(TEXTS, min_size=2, max_size=12, unique_by=str.casefold))
    texts = texts[: len(texts) // 2 * 2]
    splits = st.sampled_from(["train", "validation", "test"])
    return labels, [a_pair(i, texts[2 * i], texts[2 * i + 1], labels, draw(splits)) for i in range(len(texts) // 2)]


@settings(max_examples=20, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(sets())
def test_any_texts_and_labels_come_back_in_order(made):
    """Prevents: a comma, a line break or a formula that one of the writers or readers changes in silence."""
    labels, items = made
    for key in ("label-studio", "doccano", "prodigy", "argilla"):
        assert rows_in(table_of(key, items, labels)) == expected(items), key


@settings(max_examples=1, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(sets())
def test_any_texts_and_labels_come_back_from_the_columnar_forms(made):
    """Few examples: parquet and Arrow are read by a process of its own."""
    labels, items = made
    for key in ("dataset", "parquet"):
        assert rows_in(table_of(key, items, labels)) == expected(by_split(items)), key


def of_datasets(found):
    """(split, text, name of the label, pair_id, flips) a row."""
    return [
        (split, row["text"], found[split].features["label"].int2str(row["label"]), row["pair_id"], row["flips"])
        for split in ("train", "validation", "test")
        for row in found[split]
    ]


def test_datasets_opens_both_folders(tmp_path, monkeypatch):
    """The tool's own package: names of labels, splits and order."""
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    flips = {one.example.id: "yes" for one in KEPT} | {ITEMS[3].example.id: "no"}
    right = [(one.example.split, text, label, pair, flips[pair]) for one in by_split(KEPT) for text, label, pair, _ in expected([one])]
    write_form(tmp_path / "saved", form_for("saved", "dataset"), ITEMS, WORDS)
    saved = datasets.load_from_disk(str(tmp_path / "saved"))
    assert of_datasets(saved) == right and saved["train"].features["label"].names == list(LABELS)
    write_form(tmp_path / "parquet", form_for("parquet", "parquet"), ITEMS, WORDS)
    assert of_datasets(datasets.load_dataset(str(tmp_path / "parquet"), cache_dir=str(tmp_path / "cache"))) == right


def test_the_teacher_is_a_prediction_and_never_the_label(tmp_path):
    """A colleague who opens the set in Label Studio must see which class is the model's."""
    name, body = written("label-studio", [ITEMS[3]])
    task = json.loads(body)[1]
    said = [one["result"][0]["value"]["choices"] for one in (task["annotations"][0], task["predictions"][0])]
    assert said == [["negative"], ["positive"]] and task["predictions"][0]["score"] == pytest.approx(0.8)
    name, body = written("argilla", [ITEMS[3]])
    (tmp_path / "a.zip").write_bytes(body)
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        record = json.loads(archive.read("records.json"))[1]
        options = json.loads(archive.read(".argilla/settings.json"))["questions"][0]["settings"]["options"]
    assert record["responses"]["label"][0]["value"] == "negative" and record["suggestions"]["label"]["value"] == "positive"
    assert [(one["value"], one["description"]) for one in options] == [("negative", "bad"), ("positive", "good")]


def test_the_interface_of_label_studio_holds_every_label_as_it_is_written():
    from xml.etree import ElementTree

    labels = ('say "no" & <go>', "ja")
    said = next(one for one in FORMS if one.key == "label-studio").then(Words(labels))
    view = ElementTree.fromstring(said.code)
    assert [one.get("value") for one in view.iter("Choice")] == list(labels)


@pytest.mark.parametrize("key", [key for key in KEYS if key != "bundle"])
def test_an_empty_set_is_a_whole_file(key):
    name, body = written(key, [])
    assert json.loads(body) == [] if name.endswith(".json") else True
    assert zipfile.ZipFile(io.BytesIO(body)).testzip() is None if name.endswith(".zip") else True


def test_names_and_forms_that_do_not_fit_are_refused_in_words(tmp_path):
    assert form_for("a.ZIP").key == "bundle" and form_for("a.csv").key == "pairs" and form_for("x", "dataset").key == "dataset"
    for name, key, words in (
        ("a.csv", "doccano", "written as .jsonl"),
        ("a", "doccano", ".jsonl"),
        ("a.zip", "nope", "no form"),
        ("a.json", "", "For another tool name its form: label-studio"),
    ):
        with pytest.raises(BadInput, match=words):
            form_for(name, key)
    (tmp_path / "there").mkdir()
    with pytest.raises(BadInput, match="already"):
        write_form(tmp_path / "there", form_for("there", "parquet"), ITEMS, WORDS)
    with pytest.raises(CodError, match="could not be written"):
        write_form(tmp_path / "no" / "way", form_for("way", "parquet"), ITEMS, WORDS)


def test_a_folder_that_breaks_off_leaves_nothing(tmp_path):
    """Half a data set opens, and is taken for the whole."""

    def broken():
        yield ITEMS[0]
        raise CodError("stopped")

    for name in ("saved", "saved.zip"):
        with pytest.raises(CodError, match="stopped"):
            write_form(tmp_path / name, form_for(name, "dataset"), broken(), WORDS)
    assert not list(tmp_path.iterdir())


def test_a_label_that_the_project_no_longer_has_is_named_all_the_same():
    """Prevents: the number of another label in its place."""
    for key in ("dataset", "prodigy"):
        assert [label for _, label, *_ in rows_in(table_of(key, [item()], ("negative", "neutral")))] == ["positive", "negative"]


def test_examples_come_in_as_texts_of_a_new_project():
    """The way back: the file as an upload, labels by their names, held-out rows where they were."""
    table = table_of("doccano", KEPT)
    read = to_examples(table, guess_columns(table), {label: label for label in LABELS}, "labelled", [])
    assert [(e.text, e.label) for e in read.examples] == [(text, label) for text, label, *_ in expected(KEPT)]
    assert [e.split for e in read.examples][2:6] == ["test", "test", "validation", "validation"]


@settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(sets())
def test_any_pairs_come_back_from_the_tables_and_the_bundle(made):
    """The forms that hold a pair a row, or two rows a pair, read as pairs: nothing is added, lost or changed."""
    labels, items = made
    before = [of_record(to_record(one)) for one in items]
    for key in ("records", "pairs", "cad"):
        assert changes(before, read_pairs(*written(key, items, labels))).same == len(items), key
    project = SimpleNamespace(id="p", name="Any", task=Task("What?", labels))
    back = open_bundle(bundle_bytes(project, items)[0])
    order = by_split(items)
    assert [(i.example.text, i.example.label, i.counterfactual.text, i.counterfactual.target) for i in back.items] == [
        (i.example.text, i.example.label, i.counterfactual.text, i.counterfactual.target) for i in order
    ]


@pytest.mark.parametrize("key", ("label-studio", "doccano", "prodigy", "argilla"))
def test_a_tools_file_is_read_as_pairs_too_and_as_texts_it_says_so(key):
    """A file that went through Label Studio comes back as pairs; as texts, both rows of a pair keep to one side of the split."""
    table = table_of(key, KEPT)
    originals = [one.example for one in KEPT]
    back = import_pairs(table, originals, PROJECT.task)
    assert [(cf.example_id, cf.text, cf.target) for cf in back.counterfactuals] == [
        (one.example.id, one.counterfactual.text, one.counterfactual.target) for one in KEPT
    ]
    assert of_pairs(table).startswith("4 of these texts") and guess_columns(table_of(key, [ITEMS[0]])).source_id == "pair_id"


def test_a_column_that_holds_half_an_emoji_stops_no_export():
    """Data folders hold such cells, from JSON that was read before they were marked: every form ended in a UnicodeEncodeError."""
    one = item()
    torn = replace(one, example=replace(one.example, metadata={"note": "n\ud83d"}))
    assert json.loads(to_record(torn).metadata) == {"note": "n?"} and written("doccano", [torn])
