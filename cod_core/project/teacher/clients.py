"""Clients of language models: at an endpoint (base_url) or on this computer (local: a name, a folder or a GGUF file).

Every reply is kept in the store under the project, so that no question is paid for twice.
"""

from dataclasses import fields
from typing import Any

from cod_core.counterfactuals.options import LlmOptions
from cod_core.models.chat import LLMClient, LLMSettings
from cod_core.models.choice import LlmChoice
from cod_core.models.local_chat import LocalClient, LocalSettings
from cod_core.project.models import Models
from cod_core.project.place import Place, Room, needs
from cod_core.project.teacher.endpoints import Endpoints
from cod_core.store import cache


def options_of(choice: LlmChoice) -> LlmOptions:
    """Where and how a teacher's language model is asked."""
    return LlmOptions(**{f.name: value for f in fields(LlmOptions) if (value := getattr(choice, f.name)) is not None})


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
            return cache.get_reply(self.db, k, self.id)

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

    def confirm_address(self, options: LlmOptions) -> None:
        """Where options ask a model at an address, the person who gave them named it. Raises BadInput where they name no model."""
        self.check(options)
        settings = options.settings()
        if isinstance(settings, LLMSettings):
            self.endpoints.confirm(settings.base_url)

    def check(self, options: LlmOptions) -> None:
        """Raises CodError where options name an address or a file of a model that only an owner may name. What the project used
        last, an owner named."""
        last = self.endpoints.last_llm()
        if not options.local:
            self.endpoints.check(options.base_url)
        elif last is None or options.local != last.local:
            self.place.need_for_files(options.local)

    @needs("propose")
    def remember(self, options: LlmOptions) -> None:
        """Keep which model was used last, without any key, so that the next page and 'try again' can offer it."""
        kept = options.to_json()
        if kept != self.row.settings.get("llm"):
            self.place.update(llm=kept)
