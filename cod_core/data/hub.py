"""Named public data sets from the Hugging Face hub as Examples. Knows no models; needs a network.

Label maps are the hub's own, checked against the paper's mistakes: Yelp's label 0 is 1 star, its 3-star reviews
have no side and are left out; Sentiment140 writes 0 and 4; SST-2 and CoLA hide their test labels (-1), so their
validation split is the test. Movie snippets of the built-in sample overlap SST-2's test (docs/method.md section 9).
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from cod_core.data.tables import clean_text, text_problem
from cod_core.errors import BadInput, ModelUnavailable
from cod_core.progress import Progress, silent
from cod_core.said import say
from cod_core.text import short_hash
from cod_core.types import Example, Task

_SENTIMENT = ("negative", "positive")
_SPLITS = ("train", "validation", "test")
Loader = Callable[..., Any]  # datasets.load_dataset, which carries no types


@dataclass(frozen=True)
class HubSet:
    """name: ours. path, config, revision: the hub's. text: columns joined by a line break.

    labels: raw value -> label, others are left out. splits: our split -> the hub's. stream: read without
    fetching all of it (large sets whose rows come in mixed order).
    """

    name: str
    title: str
    path: str
    task: Task
    text: tuple[str, ...]
    label: str
    labels: Mapping[int, str]
    splits: Mapping[str, str]
    config: str | None = None
    revision: str | None = None
    stream: bool = False


def _sentiment(of: str) -> Task:
    return Task(f"What does the writer think of {of}?", _SENTIMENT, ("The writer is unhappy.", "The writer is happy."))


_PLAIN = {0: "negative", 1: "positive"}
HUB_SETS = {
    s.name: s
    for s in (
        HubSet(
            "sst2",
            "SST-2: phrases and sentences of film reviews",
            "stanfordnlp/sst2",
            _sentiment("the film"),
            ("sentence",),
            "label",
            _PLAIN,
            {"train": "train", "test": "validation"},
        ),
        HubSet(
            "cola",
            "CoLA: is the sentence well formed?",
            "nyu-mll/glue",
            Task(
                "Is this a well-formed English sentence?",
                ("unacceptable", "acceptable"),
                ("A native speaker would not say it.", "A native speaker could say it."),
            ),
            ("sentence",),
            "label",
            {0: "unacceptable", 1: "acceptable"},
            {"train": "train", "test": "validation"},
            config="cola",
        ),
        HubSet(
            "imdb",
            "IMDB: whole film reviews",
            "stanfordnlp/imdb",
            _sentiment("the film"),
            ("text",),
            "label",
            _PLAIN,
            {"train": "train", "test": "test"},
        ),
        HubSet(
            "yelp",
            "Yelp reviews, 1 and 2 stars against 4 and 5",
            "Yelp/yelp_review_full",
            _sentiment("the place"),
            ("text",),
            "label",
            {0: "negative", 1: "negative", 3: "positive", 4: "positive"},
            {"train": "train", "test": "test"},
            stream=True,
        ),
        HubSet(
            "amazon_polarity",
            "Amazon reviews, title and text",
            "fancyzhx/amazon_polarity",
            _sentiment("the product"),
            ("title", "content"),
            "label",
            _PLAIN,
            {"train": "train", "test": "test"},
            stream=True,
        ),
        HubSet(
            "sentiment140",
            "Sentiment140: tweets labelled by their smileys",
            "stanfordnlp/sentiment140",
            Task("How does the writer feel?", _SENTIMENT, ("The mood is bad.", "The mood is good.")),
            ("text",),
            "sentiment",
            {0: "negative", 4: "positive"},
            {"train": "train", "test": "test"},
            revision="refs/convert/parquet",
        ),
    )
}


def hub_set(name: str) -> HubSet:
    """The set's description. Raises BadInput naming the ones that exist."""
    if name not in HUB_SETS:
        raise BadInput(say("There is no data set called {name!r} here. Choose one of: {sets}.", name=name, sets=", ".join(HUB_SETS)))
    return HUB_SETS[name]


def load_hub(
    name: str, split: str = "train", limit: int = 1000, progress: Progress = silent, load: Loader | None = None, seed: int = 7
) -> list[Example]:
    """Up to `limit` labelled texts of one split, as many of each class as there are, in an order fixed by seed.

    split: train, validation or test, of which not every set has all. load: stands in for
    datasets.load_dataset. Repeated, empty and too long texts are left out. Raises BadInput for a name or split that
    does not exist, ModelUnavailable where the hub cannot be reached.
    """
    chosen = hub_set(name)
    if split not in chosen.splits:
        raise BadInput(
            say(
                "The set {name!r} has no labelled split {split!r} here, only: {splits}.",
                name=name,
                split=split,
                splits=", ".join(chosen.splits),
            )
        )
    if limit < 1:
        raise BadInput(say("At least 1 row must be asked for, not {limit}.", limit=limit))
    progress(0, limit, f"Fetching {chosen.title}")
    try:
        rows = _rows(chosen, chosen.splits[split], load, seed)
        return _examples(rows, chosen, split, limit, progress)
    except (BadInput, ModelUnavailable):
        raise
    except Exception as error:  # the hub's client raises errors of several libraries that share no base class
        if not _about_the_hub(error):
            raise
        raise ModelUnavailable(
            say(
                "The data set {name!r} could not be had from the Hugging Face hub ({error}). Check that this machine "
                "has a network and that HF_HUB_OFFLINE is not set, or upload the texts as a file.",
                name=chosen.path,
                error=type(error).__name__,
            )
        ) from error


def _rows(chosen: HubSet, hub_split: str, load: Loader | None, seed: int) -> Iterable[Mapping[str, Any]]:
    if load is None:
        from datasets import load_dataset

        load = load_dataset
    rows = load(chosen.path, chosen.config, split=hub_split, revision=chosen.revision, streaming=chosen.stream)
    shuffled: Iterable[Mapping[str, Any]] = rows.shuffle(seed=seed, buffer_size=20_000) if chosen.stream else rows.shuffle(seed=seed)
    return shuffled


def _examples(rows: Iterable[Mapping[str, Any]], chosen: HubSet, split: str, limit: int, progress: Progress) -> list[Example]:
    room = {label: limit // len(chosen.task.labels) + (i < limit % len(chosen.task.labels)) for i, label in enumerate(chosen.task.labels)}
    out: dict[str, Example] = {}
    for row in rows:
        label = chosen.labels.get(row[chosen.label])
        if label is None or room[label] == 0:
            continue
        text = clean_text("\n".join(str(row[column] or "") for column in chosen.text))
        if text_problem(text) is not None or text in out:
            continue
        out[text] = Example(short_hash(text), text, label, split)
        room[label] -= 1
        if len(out) % 100 == 0:
            progress(len(out), limit, f"{len(out)} texts read")
        if not any(room.values()):
            break
    progress(limit, limit, f"{len(out)} texts read")
    return list(out.values())


def _about_the_hub(error: Exception) -> bool:
    """Whether an error is the network's or the hub's, not a mistake of this program or a cancelled job."""
    libraries = ("datasets", "huggingface_hub", "httpx", "httpcore", "requests", "urllib3", "aiohttp", "fsspec", "pyarrow")
    home = type(error).__module__.split(".")[0]
    return home in libraries or isinstance(error, (OSError, EOFError))
