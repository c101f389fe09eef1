"""Predictions and embeddings remembered by content hash. Neither the model nor its caller knows.

Keys are (classifier or encoder id, revision, text hash): a changed model or text is never served an old answer.
"""

import threading
from collections.abc import Callable, Sequence

import numpy as np

from cod_core.models.protocols import Reads, SizedEncoder
from cod_core.progress import Progress, silent
from cod_core.store import cache
from cod_core.store.database import Database
from cod_core.text import most_pieces, text_hash
from cod_core.types import Classifier, Prediction

CHUNK = 512


class CachedClassifier:
    """A `Classifier` that asks the wrapped one only for texts it has not seen, saving every chunk at once.

    load: a function that makes the wrapped classifier, called on the first miss only, so that a screen whose
    every number is cached loads no model. on_lookup(hits, asked): told of every lookup, for classifiers that cost.
    chunk: texts asked for between two saves; fewer where each takes long. reads_all: it never cuts a text, which is then
    known without loading it.
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
    ) -> None:
        self.id, self.revision, self.labels = id, revision, tuple(labels)
        self._db, self._load, self._loading = db, load, threading.Lock()
        self._wrapped: Classifier | None = None
        self._on_lookup, self._chunk, self._reads_all = on_lookup, chunk, reads_all

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
        size = self._chunk
        for at in range(0, len(missing), size):
            chunk = missing[at : at + size]
            new = self._ask(chunk)
            cache.put_predictions(self._db, self.id, self.revision, new)
            known.update(new)
            progress(min(at + size, len(missing)), len(missing), "asking the teacher")
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

    def _ask(self, chunk: list[tuple[str, str]]) -> dict[str, tuple[float, ...]]:
        """text hash -> log-probabilities, of (hash, text) pairs; a language model's coverage is kept beside them."""
        texts = [text for _, text in chunk]
        wrapped = self.wrapped
        if not isinstance(wrapped, Reads):
            return {key: p.logprobs for (key, _), p in zip(chunk, wrapped.predict(texts))}
        readings = wrapped.read(texts)
        cache.put_predictions(self._db, f"{self.id}#covered", self.revision, {key: (r.covered,) for (key, _), r in zip(chunk, readings)})
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

    revision: of its weights, part of the key; "" where the name says it all (own_revision).
    """

    def __init__(self, db: Database, id: str, load: Callable[[], SizedEncoder], revision: str = "") -> None:
        self.id, self.revision, self._db, self._load = id, revision, db, load
        self._wrapped: SizedEncoder | None = None
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
        for at in range(0, len(missing), CHUNK):
            chunk = missing[at : at + CHUNK]
            rows = self.wrapped.encode([t for _, t in chunk])
            new = {k: row for (k, _), row in zip(chunk, rows)}
            cache.put_embeddings(self._db, self._key, new)
            known.update(new)
            progress(min(at + CHUNK, len(missing)), len(missing), "reading texts")
        return np.stack([known[k] for k in keys]) if keys else np.zeros((0, self.wrapped.dimension), np.float32)
