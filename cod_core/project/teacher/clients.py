"""Clients of language models: at an endpoint (base_url) or on this computer (local: a name, a folder or a GGUF file).

Every reply is kept in the store under the project, so that no question is paid for twice.
"""

from collections.abc import Callable
from dataclasses import fields
from typing import Any

from cod_core.counterfactuals.options import LlmOptions
from cod_core.errors import BadInput
from cod_core.models.batch_client import BatchClient
from cod_core.models.chat import LLMClient, LLMSettings
from cod_core.models.choice import LlmChoice
from cod_core.models.endpoint import Endpoint
from cod_core.models.local_chat import LocalClient, LocalSettings
from cod_core.models.providers import provider_at
from cod_core.models.quirks import Quirks
from cod_core.models.tryout import Tryout, try_out
from cod_core.project.models import Models
from cod_core.project.place import Place, Room, needs
from cod_core.project.teacher.endpoints import Endpoints
from cod_core.said import say
from cod_core.store import cache

TRY_S = 30.0  # seconds that a person waits for an address that is tried


def quirks_key(settings: LLMSettings) -> str:
    """Where the store keeps what a model does not take."""
    return f"quirks:{settings.base_url}:{settings.model}"


def batches_key(pid: str, settings: LLMSettings) -> str:
    """Where the store keeps which batches of a project a model has under way."""
    return f"batches:{pid}:{settings.base_url}:{settings.model}"


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

        return LLMClient(settings, own_key, get, put, get_quirks=lambda: self.left_out(settings), put_quirks=self._keeper(settings))

    def by_batch(self, settings: LLMSettings | LocalSettings, key: str | None = None, counted: str | None = None) -> BatchClient:
        """As client, for a model at an address whose questions are sent together. What is under way is on record under the project,
        by the service's names for it and without any key. Raises BadInput for a model on this computer."""
        client = self.client(settings, key, counted)
        if not isinstance(client, LLMClient):
            raise BadInput(say("Only a language model at a service can be asked in a batch."))
        place = batches_key(self.id, client.settings)

        def put(sent: list[dict[str, Any]]) -> None:
            cache.put_reply(self.db, self.id, place, {"sent": sent})

        return BatchClient(client, lambda: (cache.get_reply(self.db, place) or {}).get("sent", []), put)

    def left_out(self, settings: LLMSettings) -> tuple[str, ...]:
        """What the model is known not to take (names of quirks.FIELDS): found out in this project, or stated by its service."""
        known, provider = cache.get_reply(self.db, quirks_key(settings), self.id) or {}, provider_at(settings.base_url)
        return (*known.get("left_out", ()), *(provider.leaves_out if provider else ()))

    def _keeper(self, settings: LLMSettings) -> Callable[[tuple[str, ...]], object]:
        return lambda names: cache.put_reply(self.db, self.id, quirks_key(settings), {"left_out": list(names)})

    @needs("propose")
    def names_at(self, base_url: str, key: str | None = None) -> list[str]:
        """The models that an address lists. Sends no text. Raises CodError where the actor may not name it, EndpointError."""
        return self._trial(LlmOptions(base_url, "any"), key).names()

    @needs("propose")
    def try_address(self, options: LlmOptions, key: str | None = None) -> Tryout:
        """What works for a model at an address, by one harmless sentence; what does not is left out from now on.

        No text of the project is sent. Raises CodError where the actor may not name the address.
        """
        endpoint = self._trial(options, key)
        found = try_out(endpoint)
        if found.works:
            endpoint.quirks.learn(one.quirk for one in found.findings if one.works is False and one.quirk)
        return found

    def _trial(self, options: LlmOptions, key: str | None) -> Endpoint:
        """An endpoint that no text goes to: asked as if nothing were known of the model."""
        self.check(options)
        settings = options.settings(1)
        if not isinstance(settings, LLMSettings):
            raise BadInput(say("Only a model at an address can be tried. Give the address of the service."))
        quirks = Quirks(put=self._keeper(settings))
        return Endpoint(settings, lambda: key or self.endpoints.key_to_try(settings), quirks, TRY_S, max_retries=1, patience=TRY_S)

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
