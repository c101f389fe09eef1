"""The soft-label memory of an LLM teacher: how large it is, how often it answered, what its calls cost."""

from dataclasses import dataclass

from cod_core.store import cache
from cod_core.workspace.base import Base


@dataclass(frozen=True)
class SoftLabelMemory:
    """size: texts with a kept soft label. hits: lookups answered from it. asked: lookups that were not.

    calls: requests that succeeded. cost_usd: of them, None where no price was given. reads: logprobs or votes.
    """

    size: int
    hits: int
    asked: int
    calls: int
    tokens_in: int
    tokens_out: int
    cost_usd: float | None
    reads: str

    @property
    def hit_rate(self) -> float | None:
        """Share of lookups that cost nothing, None before the first."""
        return self.hits / (self.hits + self.asked) if self.hits + self.asked else None


class Remembering(Base):
    """What a teacher that costs was asked, and what need not be asked again."""

    def _memory_counter(self, pid: str, spec: dict):
        """A function (hits, asked) that adds to the memory's counts; None for teachers that cost nothing to ask."""
        if spec.get("kind") != "llm":
            return None
        return lambda hits, asked: cache.count(self.db, pid, self._memory_key(pid, spec), hits=hits, asked=asked)

    def _memory_key(self, pid: str, spec: dict) -> str:
        from cod_core.workspace.llm import memory_key

        return memory_key({**spec, "project_id": pid})

    def soft_label_memory(self, pid: str) -> SoftLabelMemory | None:
        """The memory of the project's LLM teacher; None where the teacher is of another kind."""
        spec = self.project(pid).teacher
        if spec is None or spec.get("kind") != "llm":
            return None
        teacher = self.teacher(pid)
        told = cache.get_reply(self.db, self._memory_key(pid, spec)) or {}
        calls = int(told.get("calls", 0))
        priced = bool(spec.get("local")) or calls and told.get("priced", 0) == calls
        return SoftLabelMemory(
            cache.count_predictions(self.db, teacher.id, teacher.revision),
            int(told.get("hits", 0)),
            int(told.get("asked", 0)),
            calls,
            int(told.get("tokens_in", 0)),
            int(told.get("tokens_out", 0)),
            float(told.get("cost_usd", 0.0)) if priced else None,
            spec.get("reads", "logprobs"),
        )

    def hard_labels_only(self, pid: str) -> bool:
        """Whether the teacher gives votes only: its soft labels are counts."""
        return (self.project(pid).teacher or {}).get("reads") == "votes"
