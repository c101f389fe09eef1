"""Built-in sample data sets: rated snippets shipped inside vaderSentiment's source distribution (MIT).

Hutto & Gilbert, ICWSM 2014: each snippet carries the mean rating of about 20 people in [-4, 4]; its sign
is the label, ratings within +-0.5 are left out (two classes) or form the middle class (news). Splits are
by text and, where snippets come from one review, by review. Traps: docs/method.md section 9 - movie snippets
overlap SST-2's test split, so the movies teacher must never be judged on SST-2.
"""

import hashlib
import html
import io
import random
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path

from cod_core.errors import BadInput, ModelUnavailable
from cod_core.said import msg, say
from cod_core.text import short_hash
from cod_core.types import Example, Task

ARCHIVE_SHA256 = "5d7c06e027fc8b99238edb0d53d970cf97066ef97654009890b83703849632f9"
_OUTER = "vaderSentiment-3.3.2.tar.gz"
_INNER = "vaderSentiment-3.3.2/additional_resources/hutto_ICWSM_2014.tar.gz"
NEUTRAL_BAND = 0.5


@dataclass(frozen=True)
class Sample:
    """file: name inside the archive. validation, test: shares of the texts. grouped: ids like 12_3 name a review."""

    name: str
    title: str
    file: str
    task: Task
    validation: float
    test: float
    grouped: bool = False


_SENTIMENT = ("negative", "positive")
SAMPLES = {
    s.name: s
    for s in (
        Sample(
            "movies",
            "Movie reviews",
            "movieReviewSnippets",
            Task(
                "What does the writer think of the film?", _SENTIMENT, ("The writer finds the film bad.", "The writer finds the film good.")
            ),
            0.1,
            0.2,
        ),
        Sample(
            "amazon",
            "Product reviews",
            "amazonReviewSnippets",
            Task(
                "What does the writer think of the product?", _SENTIMENT, ("The writer is unhappy with it.", "The writer is happy with it.")
            ),
            0.06,
            0.3,
            grouped=True,
        ),
        Sample(
            "tweets",
            "Tweets",
            "tweets",
            Task("How does the writer feel?", _SENTIMENT, ("The mood of the tweet is bad.", "The mood of the tweet is good.")),
            0.06,
            0.28,
        ),
        Sample(
            "news",
            "Newspaper editorials (three classes)",
            "nytEditorialSnippets",
            Task(
                "What is the tone of the sentence?",
                ("negative", "neutral", "positive"),
                ("The tone is critical or bleak.", "The tone is matter-of-fact.", "The tone is approving or hopeful."),
            ),
            0.08,
            0.25,
            grouped=True,
        ),
    )
}


def sample(name: str) -> Sample:
    """The sample's description. Raises BadInput naming the ones that exist."""
    if name not in SAMPLES:
        raise BadInput(say("There is no sample called {name!r}. Choose one of: {samples}.", name=name, samples=", ".join(SAMPLES)))
    return SAMPLES[name]


def fetch_archive(folder: Path) -> Path:
    """Path of the checked archive in `folder`, fetched through the user's own pip where missing.

    Raises ModelUnavailable where pip cannot get it or its sha256 differs.
    """
    path = folder / _OUTER
    if not path.exists():
        command = [
            sys.executable,
            "-m",
            "pip",
            "download",
            "--quiet",
            "--no-deps",
            "--no-binary",
            "vaderSentiment",
            "--no-build-isolation",
            "--dest",
            str(folder),
            "vaderSentiment==3.3.2",
        ]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=300)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise ModelUnavailable(msg("The sample data could not be fetched: pip did not answer within 5 minutes.")) from error
        if not path.exists():
            raise ModelUnavailable(
                say(
                    "The sample data could not be fetched with pip (it comes inside the package vaderSentiment 3.3.2). "
                    "Connect to a package index and try again. pip said: {said}",
                    said=done.stderr.strip()[-300:],
                )
            )
    if hashlib.sha256(path.read_bytes()).hexdigest() != ARCHIVE_SHA256:
        path.unlink()
        raise ModelUnavailable(msg("The sample archive differs from the one expected and was deleted. Try again."))
    return path


def load_sample(name: str, folder: Path) -> list[Example]:
    """Every labelled text of a sample with its split, in a fixed shuffled order.

    folder: where the archive is kept. Duplicate texts are dropped. Raises ModelUnavailable, BadInput.
    """
    spec = sample(name)
    with tarfile.open(fetch_archive(folder)) as outer:
        with tarfile.open(fileobj=io.BytesIO(_member(outer, _INNER))) as archive:
            lines = _member(archive, f"hutto_ICWSM_2014/{spec.file}_GroundTruth.txt").decode("utf-8-sig", "replace").splitlines()
    rows = [parsed for line in lines if (parsed := _parse(line, spec)) is not None]
    return _split(list({text: (text, label, source) for text, label, source in rows}.values()), spec)


def _member(archive: tarfile.TarFile, name: str) -> bytes:
    """The bytes of one file; its archive was checked by hash, so it is there."""
    file = archive.extractfile(name)
    if file is None:
        raise ModelUnavailable(say("The sample archive has no file {name!r}. Delete it from the data folder and try again.", name=name))
    return file.read()


def _parse(line: str, spec: Sample) -> tuple[str, str, str] | None:
    cells = line.split("\t", 2)
    if len(cells) != 3:
        return None
    rating, text = float(cells[1]), " ".join(html.unescape(cells[2]).split())
    middle = abs(rating) <= NEUTRAL_BAND
    if not text or (middle and len(spec.task.labels) == 2):
        return None
    label = "neutral" if middle else "positive" if rating > 0 else "negative"
    source = cells[0].split("_")[0] if spec.grouped else short_hash(text.lower())
    return text, label, source


def _split(rows: list[tuple[str, str, str]], spec: Sample) -> list[Example]:
    rng = random.Random(7)
    sources = sorted({source for _, _, source in rows})
    rng.shuffle(sources)
    counts: dict[str, int] = {}
    for _, _, source in rows:
        counts[source] = counts.get(source, 0) + 1
    split_of, seen = {}, 0
    for source in sources:
        share = seen / len(rows)
        split_of[source] = "test" if share < spec.test else "validation" if share < spec.test + spec.validation else "train"
        seen += counts[source]
    rng.shuffle(rows)
    return [Example(short_hash(text), text, label, split_of[source], source if spec.grouped else None) for text, label, source in rows]
