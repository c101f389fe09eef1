"""The forms in which the curated set leaves: a new one is a function from rows to bytes, and a line here.

Pages, the command and docs/formats.md go by FORMS. Knows files and rows; neither the store nor a project.
"""

import contextlib
import json
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import IO

from cod_core.errors import BadInput, CodError
from cod_core.export import dataset_folder, tools
from cod_core.export.bundle import kept_records, whole_or_not_at_all
from cod_core.export.dataset_folder import Part
from cod_core.export.flat import CAD_HEAD, PAIR_COLUMNS, cad_lines, cad_of, pair_of, safe_lines
from cod_core.export.record import ExportItem, Record
from cod_core.export.rows import Row, rows_of


@dataclass(frozen=True)
class Words:
    """What a form says of the project: its labels in order, a sentence a label or (), the guideline."""

    labels: tuple[str, ...]
    descriptions: tuple[str, ...] = ()
    guideline: str = ""


@dataclass(frozen=True)
class Then:
    """What a person does with the file in the tool. words: in a sentence or two. code: what they paste there or run, "" for none."""

    words: str = ""
    code: str = ""

    def __str__(self) -> str:
        return "\n".join(filter(None, (self.words, self.code)))


Chunks = Callable[[Iterable[Record], Words], Iterator[str]]
Folder = Callable[[Iterable[Record], Words], contextlib.AbstractContextManager[list[Part]]]


@dataclass(frozen=True)
class Form:
    """key: as a person names it. title: on screens. ending: of the file's name. name: of the file as a download.

    said: what the file holds, in a sentence. then: what a person does with it in the tool. chunks: records
    to the text of the file. folder: records to the files of a folder, which leaves as a zip, or as a folder where the name has no
    ending. The bundle has neither: bundle.py writes it.
    """

    key: str
    title: str
    ending: str
    name: str
    said: str
    then: Callable[[Words], Then] = lambda words: Then()
    chunks: Chunks | None = None
    folder: Folder | None = None


def _rows(records: Iterable[Record]) -> Iterator[Row]:
    return (row for record in records for row in rows_of(record))


def _records_jsonl(records: Iterable[Record], words: Words) -> Iterator[str]:
    return (tools.as_line(record.model_dump()) + "\n" for record in records)


def _cad(records: Iterable[Record], words: Words) -> Iterator[str]:
    yield cad_lines([CAD_HEAD])
    for record in records:
        yield cad_lines(cad_of(record))


def _pairs_csv(records: Iterable[Record], words: Words) -> Iterator[str]:
    yield "\ufeff" + safe_lines([PAIR_COLUMNS])  # which spreadsheets need to read it as UTF-8
    for record in records:
        yield safe_lines([pair_of(record)])


def _label_studio(records: Iterable[Record], words: Words) -> Iterator[str]:
    before = "[\n"
    for number, row in enumerate(_rows(records), start=1):
        yield before + tools.as_line(tools.label_studio_task(row, number))
        before = ",\n"
    yield "[]\n" if before == "[\n" else "\n]\n"


def _doccano(records: Iterable[Record], words: Words) -> Iterator[str]:
    return (tools.as_line(tools.doccano_line(row)) + "\n" for row in _rows(records))


def _prodigy(records: Iterable[Record], words: Words) -> Iterator[str]:
    return (tools.as_line(tools.prodigy_task(row, _with(words.labels, row.label))) + "\n" for row in _rows(records))


def _with(labels: tuple[str, ...], label: str) -> tuple[str, ...]:
    return labels if label in labels else (*labels, label)


@contextlib.contextmanager
def _argilla(records: Iterable[Record], words: Words) -> Iterator[list[Part]]:
    """Argilla's own folder (Dataset.to_disk). ASCII only: Argilla opens its files in the encoding of the machine."""
    with tempfile.TemporaryFile() as body:
        before, labels = "[\n", dict.fromkeys(words.labels)
        for row in _rows(records):
            labels.setdefault(row.label)
            body.write((before + json.dumps(tools.argilla_record(row))).encode())
            before = ",\n"
        body.write(b"[]" if before == "[\n" else b"\n]\n")
        body.seek(0)
        settings = tools.argilla_settings(tuple(labels), words.descriptions, words.guideline)
        about = {"name": "counterfactuals", "guidelines": settings["guidelines"], "allow_extra_metadata": True}
        yield [
            Part("records.json", body),
            Part(".argilla/settings.json", BytesIO(json.dumps(settings, indent=1).encode())),
            Part(".argilla/dataset.json", BytesIO(json.dumps(about, indent=1).encode())),
            Part("load.py", BytesIO(tools.argilla_loader(tuple(labels)).encode())),
        ]


_HF = """# Counterfactual pairs

A text a row: an original, then its counterfactual, joined by `pair_id`. Divide by `pair_id`, never by row. `flips` says whether the
counterfactual turns the teacher to its label; train on `yes` only. Opens with `{how}`.
"""


def _saved(records: Iterable[Record], words: Words) -> contextlib.AbstractContextManager[list[Part]]:
    return dataset_folder.folder_parts(_rows(records), words.labels, "arrow", _HF.format(how="datasets.load_from_disk"))


def _parquet(records: Iterable[Record], words: Words) -> contextlib.AbstractContextManager[list[Part]]:
    return dataset_folder.folder_parts(_rows(records), words.labels, "parquet", _HF.format(how="datasets.load_dataset"))


BUNDLE = Form("bundle", "This app, with everything", "zip", "counterfactuals.zip", "Pairs, history of decisions, checksums.")
FORMS = (
    BUNDLE,
    Form("records", "Records, one a line", "jsonl", "counterfactuals.jsonl", "A record a pair.", chunks=_records_jsonl),
    Form("cad", "Two rows a pair", "tsv", "cad_paired.tsv", "Two rows a pair, joined by batch_id.", chunks=_cad),
    Form("pairs", "A spreadsheet", "csv", "pairs.csv", "A pair a row; no text can run as a formula.", chunks=_pairs_csv),
    Form(
        "label-studio",
        "Label Studio",
        "json",
        "label-studio.json",
        "One task a text. Your label is its annotation, the teacher's its prediction.",
        lambda words: Then(
            "Paste this under Settings, Labeling Interface, Code. Then import the file.", tools.label_studio_interface(words.labels)
        ),
        _label_studio,
    ),
    Form(
        "doccano",
        "doccano",
        "jsonl",
        "doccano.jsonl",
        "A text a line with its label.",
        lambda words: Then(
            "Make a project for text classification with single labels. Import the file as JSONL: the column for data is text, the one "
            "for the label is label."
        ),
        _doccano,
    ),
    Form(
        "prodigy",
        "Prodigy",
        "jsonl",
        "prodigy.jsonl",
        "A choice a text, as if you had made it there.",
        lambda words: Then("Run this beside the file.", "prodigy db-in counterfactuals prodigy.jsonl"),
        _prodigy,
    ),
    Form(
        "argilla",
        "Argilla",
        "zip",
        "argilla.zip",
        "A folder with records: your label as response, the teacher's as suggestion.",
        lambda words: Then("Unpack the zip and write your server's address and key into load.py. Then run it there.", "python load.py"),
        folder=_argilla,
    ),
    Form(
        "dataset",
        "Hugging Face, saved to disk",
        "zip",
        "dataset.zip",
        "A data set with a part each for training, development and test, as in this project.",
        lambda words: Then("Unpack the zip.", 'from datasets import load_from_disk\npairs = load_from_disk("./dataset")'),
        folder=_saved,
    ),
    Form(
        "parquet",
        "Hugging Face, parquet files",
        "zip",
        "parquet.zip",
        "A parquet file each for training, development and test, as in this project.",
        lambda words: Then("Unpack the zip.", 'from datasets import load_dataset\npairs = load_dataset("./parquet")'),
        folder=_parquet,
    ),
)
KEYS = tuple(form.key for form in FORMS)
PLAIN = FORMS[:4]
"""The forms that are written by the name's ending; the others are named, since several tools share an ending."""


def form_for(name: str, key: str = "") -> Form:
    """The form that the person names, else the plain one whose ending the file has. Raises BadInput where they do not fit."""
    ending = Path(name).suffix.lower().removeprefix(".")
    if not key:
        found = next((form for form in PLAIN if form.ending == ending), None)
        if found is None:
            ends = ", ".join(f".{form.ending}" for form in PLAIN)
            raise BadInput(
                f"The name of an export ends in {ends}, which says what is written; got {Path(name).name!r}. For another tool name "
                f"its form: {', '.join(form.key for form in FORMS if form not in PLAIN)}."
            )
        return found
    found = next((form for form in FORMS if form.key == key), None)
    if found is None:
        raise BadInput(f"There is no form {key!r} for a set. Use one of: {', '.join(KEYS)}.")
    if ending != found.ending and not (found.folder and not ending):
        more = ", or to a folder whose name has no ending" if found.folder else ""
        raise BadInput(f"The form {key} is written as .{found.ending}{more}; got {Path(name).name!r}.")
    return found


def write_form(path: str | Path, form: Form, items: Iterable[ExportItem], words: Words, project_id: str = "") -> None:
    """Write the kept pairs in a form (not the bundle) to a file, or to a folder that is not there yet.

    Memory does not grow with items. Raises CodError where it cannot be written; BadInput where the folder is there.
    """
    records = (record for item in items for record in kept_records([item], project_id)[0])
    if form.chunks is not None:
        chunks = form.chunks(records, words)
        whole_or_not_at_all(path, lambda file: file.writelines(chunk.encode() for chunk in chunks))
    elif form.folder is not None:
        with form.folder(records, words) as parts:
            if Path(path).suffix:
                whole_or_not_at_all(path, lambda file: _zipped(file, parts))
            else:
                _unzipped(Path(path), parts)
    else:
        raise ValueError(f"the form {form.key} is written by bundle.write_bundle")


def _zipped(file: IO[bytes], parts: list[Part]) -> None:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for part in parts:
            entry = zipfile.ZipInfo(part.path, (1980, 1, 1, 0, 0, 0))
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o600 << 16
            with archive.open(entry, "w", force_zip64=True) as out:
                shutil.copyfileobj(part.body, out)


def _unzipped(folder: Path, parts: list[Part]) -> None:
    """The files in a folder of their own, whole or not at all."""
    if folder.exists():
        raise BadInput(f"{folder} is there already. Name a folder that is not: nothing is written over.")
    started = folder.with_name(f".{folder.name}.part")
    try:
        started.mkdir()
        for part in parts:
            target = started / part.path
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("wb") as out:
                shutil.copyfileobj(part.body, out)
        started.replace(folder)
    except OSError as error:
        raise CodError(f"The set could not be written to {folder} ({error.strerror}). Choose another place.") from error
    finally:
        shutil.rmtree(started, ignore_errors=True)
