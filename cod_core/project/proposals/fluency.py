"""How well proposals read: what measures it here, what it says, kept by text."""

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from cod_core.progress import Progress, silent
from cod_core.project.models import Models
from cod_core.project.place import Place, Room, needs
from cod_core.store import cache, items
from cod_core.text import short_hash, text_hash

if TYPE_CHECKING:
    import numpy as np

    from cod_core.models.cached import Late
    from cod_core.models.fluency import LMFluency, WordPairFluency

TEXTS_AT_ONCE = 32


@dataclass(frozen=True)
class FluencyReport:
    """read: pairs that were measured. judge: name of what measured them, None where there is nothing."""

    read: int
    judge: str | None

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


class Fluency(Room):
    """The judge of fluency."""

    def __init__(self, place: Place, models: Models):
        super().__init__(place)
        self.models = models

    def judge(self) -> "LMFluency | WordPairFluency | None":
        """What measures fluency here: the packaged language model where installed, else word pairs of the project's own
        texts; None where the project holds no text. Its name says which; nothing is loaded."""
        from cod_core.models.fluency import LMFluency, WordPairFluency

        if (name := self.models.local_llm_name()) is not None:
            return self.models.once(("fluency", name), lambda: LMFluency(name, lambda: self.models.local_llm(name)))
        texts = [e.text for e in items.examples(self.db, self.id, split="train")]
        return self.place.once.newest("fluency", self.place.texts_now(), lambda: WordPairFluency(texts)) if texts else None

    @needs("propose")
    def measure(self, progress: Progress = silent) -> FluencyReport:
        """Let the judge read every proposal and its original, once; slow with a language model, so a job."""
        judge = self.judge()
        texts = {e.id: e.text for e in items.examples(self.db, self.id)}
        pairs = [(texts[cf.example_id], cf.text) for cf in items.counterfactuals(self.db, self.id) if cf.example_id in texts]
        if judge is not None:
            self._read(judge, list(dict.fromkeys(text for pair in pairs for text in pair)), progress)
        progress(len(pairs), len(pairs), "done")
        return FluencyReport(len(pairs) if judge else 0, judge.name if judge else None)

    def ratios(self, pairs: Sequence[tuple[str, str]], measure: bool = True) -> list[float | None]:
        """Fluency ratio of each (original, changed) pair: above 1 it reads worse. Kept by text, so measured once.

        measure: False reads what is on record only and leaves None where a text was not measured.
        """
        from cod_core.models.fluency import ratio

        judge = self.judge()
        if judge is None or not pairs:
            return [None] * len(pairs)
        texts = list(dict.fromkeys(t for pair in pairs for t in pair))
        if measure:
            self._read(judge, texts)
        on_record = cache.get_predictions(self.db, "fluency", self._key(judge), [text_hash(t) for t in texts])
        nll = {t: on_record[text_hash(t)][0] for t in texts if text_hash(t) in on_record}
        return [ratio(nll.get(a), nll.get(b)) for a, b in pairs]

    def _key(self, judge: "LMFluency | WordPairFluency") -> str:
        """What numbers of a judge are kept under: word pairs are this project's own."""
        return judge.name + (short_hash(self.id, judge.name) if self.models.local_llm_name() is None else "")

    def _read(self, judge: "LMFluency | WordPairFluency", texts: Sequence[str], progress: Progress = silent) -> None:
        """Let the judge read the texts that it has not read, each chunk kept as it comes; a language model does where heavy work runs."""
        on_record = cache.get_predictions(self.db, "fluency", self._key(judge), [text_hash(t) for t in texts])
        missing = [t for t in texts if text_hash(t) not in on_record]
        chunks = [missing[at : at + TEXTS_AT_ONCE] for at in range(0, len(missing), TEXTS_AT_ONCE)]
        done = 0

        def tell() -> None:
            progress(done, len(missing), "reading the proposals")

        def keep(number: int, rows: "Sequence[float] | np.ndarray") -> None:
            new: dict[str, tuple[float, ...]] = {text_hash(t): (float(v),) for t, v in zip(chunks[number], rows) if v == v}
            cache.put_predictions(self.db, "fluency", self._key(judge), new)

        with closing(self._rows(judge, chunks, tell, keep)) as found:
            for number, rows in enumerate(found):
                keep(number, rows)
                done += len(chunks[number])
                tell()

    def _rows(
        self, judge: "LMFluency | WordPairFluency", chunks: list[list[str]], tick: Callable[[], None], late: "Late"
    ) -> "Generator[Sequence[float] | np.ndarray, None, None]":
        """Nats a token of each text, chunk by chunk."""
        from cod_core.models.fluency import LMFluency

        if not isinstance(judge, LMFluency) or len(chunks) < 2:
            yield from map(judge, chunks)
            return
        from cod_core.models.portable import llm_spec, spread_reading

        name, settings = str(self.models.local_llm_name()), self.place.settings
        yield from spread_reading(settings.compute, lambda: llm_spec(name, settings.folder("llm")), lambda: judge.model)(chunks, tick, late)
