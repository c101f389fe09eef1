"""Clients of language models: at an endpoint (base_url) or on this computer (local: a name, a folder or a GGUF file).

Every reply is kept in the store under the project, so that no question is paid for twice.
"""

from typing import Any

from cod_core.counterfactuals.options import LlmOptions
from cod_core.errors import BadInput
from cod_core.models.chat import LLMClient, LLMSettings
from cod_core.models.local_chat import LocalClient, LocalSettings
from cod_core.project.models import Models
from cod_core.project.place import Place, Room
from cod_core.project.teacher.endpoints import Endpoints
from cod_core.store import cache

_KEPT = ("base_url", "model", "temperature", "max_in_flight", "price_in", "price_out")


def settings_of(params: dict) -> LLMSettings | LocalSettings:
    """LLMSettings or LocalSettings from plain values; unknown names are ignored. Raises BadInput on bad ones."""
    values, n = params.get("llm") or {}, int(params.get("n", (params.get("llm") or {}).get("n", 4)))
    if values.get("local"):
        heat = values.get("temperature")
        return LocalSettings(str(values["local"]), 0.7 if heat in (None, "") else float(heat), n)
    if not str(values.get("base_url") or "").strip():
        raise BadInput("Give the address of the model (base_url). Nothing is sent anywhere that you did not name.")
    return LLMSettings(**{k: values[k] for k in _KEPT if values.get(k) not in (None, "")}, n=n)


def memory_key(spec: dict) -> str:
    """Where the calls of a project's LLM teacher are counted."""
    return f"memory:{spec.get('project_id')}:{spec.get('base_url') or 'local'}:{spec.get('model') or spec.get('local')}"


class Clients(Room):
    """Language models that a project may ask, with their replies kept in the store."""

    def __init__(self, place: Place, models: Models, endpoints: Endpoints):
        super().__init__(place)
        self.models = models
        self.endpoints = endpoints

    def client(self, settings: LLMSettings | LocalSettings, key: str | None = None, counted: str | None = None) -> LLMClient | LocalClient:
        """A client whose successful replies are kept for good under the project. counted: where they are counted too.

        key: for the address of these settings; where absent, the project's for it. Nothing is sent to an address that nobody
        named for the project.
        """

        def get(k: str) -> dict[str, Any] | None:
            return cache.get_reply(self.db, k)

        def put(k: str, reply: dict[str, Any]) -> None:
            cache.put_reply(self.db, self.id, k, reply)
            if counted:
                self._count(counted, settings, reply.get("tokens_in", 0), reply.get("tokens_out", 0))

        if isinstance(settings, LocalSettings):
            return LocalClient(settings, lambda: self.models.local_llm(settings.model), get, put)

        def own_key() -> str | None:
            held = self.endpoints.key_for(settings)  # raises for an address that nobody named
            return key or held

        return LLMClient(settings, own_key, get, put)

    def _count(self, counted: str, settings: LLMSettings | LocalSettings, tokens_in: int, tokens_out: int) -> None:
        price = settings.cost(tokens_in, tokens_out)
        counts = {"tokens_in": tokens_in, "tokens_out": tokens_out, "cost_usd": price or 0.0, "priced": 0 if price is None else 1}
        cache.count(self.db, self.id, counted, calls=1, **counts)

    def confirm_address(self, llm: LlmOptions) -> None:
        """Where these options name a model at an address, the person who gave them named it."""
        settings = llm.settings()
        if isinstance(settings, LLMSettings):
            self.endpoints.confirm(settings.base_url)

    def remember(self, llm: LlmOptions) -> None:
        """Keep which model was used last, without any key, so that the next page and 'try again' can offer it."""
        if (kept := llm.to_json()) != self.row.settings.get("llm"):
            self.place.update(llm=kept)
