"""How well proposals read: what measures it here, what it says, kept by text."""

from cod_core.progress import Progress, silent
from cod_core.project.models import Models
from cod_core.project.place import Place, Room
from cod_core.store import cache, items
from cod_core.text import short_hash, text_hash


class Fluency(Room):
    """The judge of fluency."""

    def __init__(self, place: Place, models: Models):
        super().__init__(place)
        self.models = models

    def judge(self):
        """What measures fluency here: the packaged language model where installed, else word pairs of the project's own
        texts; None where the project holds no text. Its name says which; nothing is loaded."""
        from cod_core.models.fluency import LMFluency, WordPairFluency

        if (name := self.models.local_llm_name()) is not None:
            return self.models.once(("fluency", name), lambda: LMFluency(name, lambda: self.models.local_llm(name)))
        texts = [e.text for e in items.examples(self.db, self.id, split="train")]
        return self.place.once(("fluency", len(texts)), lambda: WordPairFluency(texts)) if texts else None

    def measure(self, progress: Progress = silent) -> dict:
        """Let the judge read every proposal and its original, once; slow with a language model, so a job.

        Returns {"read": pairs measured, "judge": name or None}."""
        judge = self.judge()
        texts = {e.id: e.text for e in items.examples(self.db, self.id)}
        found = items.counterfactuals(self.db, self.id)
        pairs = [(texts[cf.example_id], cf.text) for cf in found if cf.example_id in texts]
        for at in range(0, len(pairs) if judge else 0, 16):
            progress(at, len(pairs), "reading the proposals")
            self.ratios(pairs[at : at + 16])
        progress(len(pairs), len(pairs), "done")
        return {"read": len(pairs) if judge else 0, "judge": judge.name if judge else None}

    def ratios(self, pairs: list[tuple[str, str]], measure: bool = True) -> list[float | None]:
        """Fluency ratio of each (original, changed) pair: above 1 it reads worse. Kept by text, so measured once.

        measure: False reads what is on record only and leaves None where a text was not measured.
        """
        from cod_core.models.fluency import ratio

        judge = self.judge()
        if judge is None or not pairs:
            return [None] * len(pairs)
        texts = list(dict.fromkeys(t for pair in pairs for t in pair))
        own = short_hash(self.id, judge.name) if self.models.local_llm_name() is None else ""
        known = cache.get_predictions(self.db, "fluency", judge.name + own, [text_hash(t) for t in texts])
        missing = [t for t in texts if text_hash(t) not in known] if measure else []
        for at in range(0, len(missing), 32):
            chunk = missing[at : at + 32]
            new = {text_hash(t): (float(v),) for t, v in zip(chunk, judge(chunk)) if v == v}
            cache.put_predictions(self.db, "fluency", judge.name + own, new)
            known |= new
        nll = {t: known[text_hash(t)][0] for t in texts if text_hash(t) in known}
        return [ratio(nll.get(a), nll.get(b)) for a, b in pairs]
