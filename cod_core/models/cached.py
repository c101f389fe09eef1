"""Predictions and embeddings remembered by content hash. Neither the model nor its caller knows.

Keys are (classifier or encoder id, revision, text hash): a changed model or text is never served an old answer.
"""

import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import closing

import numpy as np

from cod_core.models.protocols import Reads, SizedEncoder
from cod_core.progress import Progress, silent
from cod_core.store import cache
from cod_core.store.database import Database
from cod_core.text import most_pieces, text_hash
from cod_core.types import Classifier, Prediction

CHUNK = 512
SPREAD_FROM = 2 * CHUNK  # texts never seen from which others may be asked to help
Late = Callable[[int, np.ndarray], object]  # what is told of a chunk that was finished ahead of its turn, by its number, at an early end
Spread = Callable[[Sequence[list[str]], Callable[[], object], Late], Generator[np.ndarray, None, None]]
"""(chunks of texts, tick) -> the rows of each chunk, in order, from wherever work is done; tick may raise to stop."""


class CachedClassifier:
    """A `Classifier` that asks the wrapped one only for texts it has not seen, saving every chunk at once.

    load: a function that makes the wrapped classifier, called on the first miss only, so that a screen whose
    every number is cached loads no model. on_lookup(hits, asked): told of every lookup, for classifiers that cost.
    chunk: texts asked for between two saves; fewer where each takes long. reads_all: it never cuts a text, which is then
    known without loading it. on_lost(text hash -> why): told of texts that a language model gave no answer for. spread: how
    many texts are asked about elsewhere or by several processes, None where they are asked about here.
    """

    def __init__(
        self,
        db: Database,
        id: str,
        revision: str,
        labels: Sequence[str],
        load: Callable[[], Classifier],
        on_lookup: Callable[[int, int], object] | None = None,
        chunk: int = CHUNK,
        reads_all: bool = False,
        on_lost: Callable[[dict[str, str]], object] = lambda whys: None,
        spread: Spread | None = None,
    ) -> None:
        self.id, self.revision, self.labels = id, revision, tuple(labels)
        self._db, self._load, self._loading = db, load, threading.Lock()
        self._wrapped: Classifier | None = None
        self._on_lookup, self._chunk, self._reads_all, self._on_lost = on_lookup, chunk, reads_all, on_lost
        self._spread = spread

    @property
    def wrapped(self) -> Classifier:
        """The classifier itself, loaded where it was not yet."""
        with self._loading:
            if self._wrapped is None:
                self._wrapped = self._load()
        return self._wrapped

    def predict(self, texts: Sequence[str], progress: Progress = silent) -> list[Prediction]:
        """One Prediction per text, in order; misses are computed in chunks and saved chunk by chunk."""
        keys = [text_hash(t) for t in texts]
        known = cache.get_predictions(self._db, self.id, self.revision, list(set(keys)))
        missing = list({k: t for k, t in zip(keys, texts) if k not in known}.items())
        answered: dict[str, tuple[float, ...]] = {}

        def tell() -> None:
            progress(len(answered), len(missing), "asking the teacher")

        with closing(self._asked(chunked(missing, self._chunk), tell)) as found:
            for new in found:
                cache.put_predictions(self._db, self.id, self.revision, new)
                answered.update(new)
                tell()
        known |= answered
        if self._on_lookup is not None and keys:
            self._on_lookup(len(keys) - len(missing), len(missing))
        return [Prediction(self.labels, tuple(known[k])) for k in keys]

    def on_record(self, texts: Sequence[str]) -> list[Prediction | None]:
        """What was predicted before, None for a text never seen. Asks no model."""
        keys = [text_hash(t) for t in texts]
        known = cache.get_predictions(self._db, self.id, self.revision, list(set(keys)))
        return [Prediction(self.labels, tuple(known[k])) if k in known else None for k in keys]

    def glance(self, text: str) -> Prediction:
        """The Prediction of one text that may never be seen again: looked up, else computed, but not kept."""
        known = cache.get_predictions(self._db, self.id, self.revision, [text_hash(text)])
        return Prediction(self.labels, tuple(*known.values())) if known else self.wrapped.predict([text])[0]

    def predict_one(self, text: str) -> Prediction:
        """The Prediction of one text, remembered as those of predict."""
        return self.predict([text])[0]

    def _asked(
        self, chunks: list[list[tuple[str, str]]], tick: Callable[[], object]
    ) -> Generator[dict[str, tuple[float, ...]], None, None]:
        """text hash -> log-probabilities, chunk by chunk; of many texts wherever work is done."""
        if self._spread is None or sum(map(len, chunks)) < SPREAD_FROM:
            yield from map(self._ask, chunks)
            return

        def told(chunk: list[tuple[str, str]], rows: np.ndarray) -> dict[str, tuple[float, ...]]:
            return {key: tuple(of_text) for (key, _), of_text in zip(chunk, rows.tolist(), strict=True)}

        def late(number: int, rows: np.ndarray) -> None:
            cache.put_predictions(self._db, self.id, self.revision, told(chunks[number], rows))

        with closing(self._spread([[text for _, text in chunk] for chunk in chunks], tick, late)) as found:
            for chunk, rows in zip(chunks, found, strict=True):
                yield told(chunk, rows)

    def _ask(self, chunk: list[tuple[str, str]]) -> dict[str, tuple[float, ...]]:
        """text hash -> log-probabilities, of (hash, text) pairs; a language model's coverage is kept beside them."""
        texts = [text for _, text in chunk]
        wrapped = self.wrapped
        if not isinstance(wrapped, Reads):
            return {key: p.logprobs for (key, _), p in zip(chunk, wrapped.predict(texts))}
        readings = wrapped.read(texts)
        cache.put_predictions(self._db, f"{self.id}#covered", self.revision, {key: (r.covered,) for (key, _), r in zip(chunk, readings)})
        if lost := {key: r.why for (key, _), r in zip(chunk, readings) if r.covered == 0 and r.why}:
            self._on_lost(lost)
        return {key: r.prediction.logprobs for (key, _), r in zip(chunk, readings)}

    def covered(self, texts: Sequence[str]) -> list[float | None]:
        """Share of a language model's answer that named a label, for texts it was asked about; None for the others.

        0: it named none, its prediction is uniform and says nothing about the text.
        """
        keys = [text_hash(t) for t in texts]
        known = cache.get_predictions(self._db, f"{self.id}#covered", self.revision, list(set(keys)))
        return [known[k][0] if k in known else None for k in keys]

    def logprobs(self, texts: Sequence[str], progress: Progress = silent) -> np.ndarray:
        """(n, C) float64."""
        rows = [p.logprobs for p in self.predict(texts, progress)]
        return np.array(rows, dtype=np.float64).reshape(len(rows), len(self.labels))

    def chars_read(self, text: str) -> int:
        """How many leading characters the classifier reads."""
        return len(text) if self._reads_all or most_pieces(text) < 100 else self.wrapped.chars_read(text)


class CachedEncoder:
    """Embeddings of one encoder, kept in the store. load: makes the Encoder on the first miss.

    revision: of its weights, part of the key; "" where the name says it all (own_revision). spread: as of a CachedClassifier.
    """

    def __init__(self, db: Database, id: str, load: Callable[[], SizedEncoder], revision: str = "", spread: Spread | None = None) -> None:
        self.id, self.revision, self._db, self._load = id, revision, db, load
        self._wrapped: SizedEncoder | None = None
        self._spread = spread
        self._key = f"{id}#{revision}" if revision else id

    @property
    def wrapped(self) -> SizedEncoder:
        """The encoder itself, loaded where it was not yet."""
        if self._wrapped is None:
            self._wrapped = self._load()
        return self._wrapped

    def encode(self, texts: Sequence[str], progress: Progress = silent) -> np.ndarray:
        """(n, d) float32, in order of texts."""
        keys = [text_hash(t) for t in texts]
        known = cache.get_embeddings(self._db, self._key, list(set(keys)))
        missing = list({k: t for k, t in zip(keys, texts) if k not in known}.items())
        chunks, read = chunked(missing, CHUNK), dict[str, np.ndarray]()

        def tell() -> None:
            progress(len(read), len(missing), "reading texts")

        def keep(number: int, rows: np.ndarray) -> None:
            new = {k: row for (k, _), row in zip(chunks[number], rows)}
            cache.put_embeddings(self._db, self._key, new)
            read.update(new)

        with closing(self._read([[t for _, t in chunk] for chunk in chunks], tell, keep)) as found:
            for number, rows in enumerate(found):
                keep(number, rows)
                tell()
        known |= read
        return np.stack([known[k] for k in keys]) if keys else np.zeros((0, self.wrapped.dimension), np.float32)

    def _read(self, chunks: list[list[str]], tick: Callable[[], object], late: Late) -> Generator[np.ndarray, None, None]:
        """The rows of each chunk; of many texts from wherever work is done."""
        if self._spread is not None and sum(map(len, chunks)) >= SPREAD_FROM:
            with closing(self._spread(chunks, tick, late)) as found:
                yield from found
        else:
            yield from (self.wrapped.encode(chunk) for chunk in chunks)


def chunked(items: list[tuple[str, str]], size: int) -> list[list[tuple[str, str]]]:
    """The items in lists of at most `size`."""
    return [items[at : at + size] for at in range(0, len(items), size)]
