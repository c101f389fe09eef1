"""Which addresses a project's texts may be sent to, and which key may go along.

A person names an address by choosing a teacher there, by starting a run there, or by confirming it. An address that came with
a restored project was named elsewhere: nothing goes to it before somebody confirms it here. Keys stay in memory.
"""

import os
from dataclasses import fields

from cod_core.counterfactuals.options import LlmOptions
from cod_core.models.chat import LLMSettings, site_of
from cod_core.models.choice import LlmChoice, stored_choice
from cod_core.models.endpoint_errors import ADDRESS_VARIABLE, KEY_VARIABLE, EndpointError
from cod_core.project.place import Place, Room

_OPTIONS = {f.name for f in fields(LlmOptions)}


class Endpoints(Room):
    """Whom a project may talk to."""

    def __init__(self, place: Place):
        super().__init__(place)
        self._keys = place.once("keys", dict[str, str])

    def confirm(self, base_url: str, key: str | None = None) -> None:
        """A person says that texts of this project may go to this address, with this key where one is given.

        The host is kept with the project, the key in this process's memory only. Raises BadInput for what is no address.
        """
        site, named = site_of(base_url), self.named()
        if site not in named:
            self.place.need("endpoint")
            self.place.update(endpoints=[*named, site])
        self.remember_key(base_url, key)

    def check(self, base_url: str | None, key: str | None = None) -> None:
        """Raises CodError where the actor may not send texts to this address, which only owners name, or bring a key."""
        if key:
            self.place.need("key")
        if base_url and site_of(base_url) not in self.named():
            self.place.need("endpoint")

    def unconfirmed(self) -> list[str]:
        """Addresses that the project's teacher or its last language model have, and that nobody named here."""
        last, named = self.last_llm(), self.named()
        addresses = [url for url in (self._of_teacher(), last.base_url if last else None) if url]
        return list({site_of(url): url for url in addresses if site_of(url) not in named}.values())

    def remember_key(self, base_url: str, key: str | None) -> None:
        """Keep an LLM key for a project and one host in this process's memory only: never in the database, a file or a log."""
        if key:
            self.place.need("key")
            self._keys[site_of(base_url)] = key

    def take_keys(self, keys: dict[str, str]) -> None:
        """Hold keys that another process of this machine handed over (site -> key)."""
        self._keys |= keys

    def forget_keys(self) -> None:
        """Drop every key that this process holds for the project."""
        self._keys.clear()

    def keys(self) -> dict[str, str]:
        """site -> key, of those given for the project since this process started."""
        return dict(self._keys)

    def key_for(self, settings: LLMSettings) -> str | None:
        """The key to send along with this project's texts; None where there is none for this host.

        COD_LLM_KEY goes to the host of COD_LLM_BASE_URL; where that is not set, to every host that was named for the project.
        Raises EndpointError where nobody named the host: then no text may go there either.
        """
        if settings.site not in self.named():
            raise EndpointError(
                f"Nothing was sent: nobody has confirmed here yet that texts of this project may go to {settings.host}. Confirm it "
                f"on the page Teacher, or with: python -m cod_core teacher {self.id} confirm --base-url {settings.base_url}",
                "unconfirmed",
            )
        declared = os.environ.get(ADDRESS_VARIABLE, "").strip()
        belongs = not declared or site_of(declared) == settings.site
        return self._keys.get(settings.site) or (os.environ.get(KEY_VARIABLE) if belongs else None)

    def key_to_try(self, settings: LLMSettings) -> str | None:
        """The key for an address that is tried without any text: its own one, never a key that may be another host's."""
        declared = os.environ.get(ADDRESS_VARIABLE, "").strip()
        belongs = site_of(declared) == settings.site if declared else settings.site in self.named()
        return self._keys.get(settings.site) or (os.environ.get(KEY_VARIABLE) if belongs else None)

    def address_of(self, options: LlmOptions | None) -> str | None:
        """Where a run with these options asks a language model: at the address it names, else at the teacher's; None: nowhere."""
        return (options and options.base_url) or self._of_teacher()

    def _of_teacher(self) -> str | None:
        choice = stored_choice(self.row.teacher)
        return choice.base_url if isinstance(choice, LlmChoice) else None

    def named(self) -> list[str]:
        """Sites that a person named for this project."""
        return list(self.row.settings.get("endpoints") or ())

    def last_llm(self) -> LlmOptions | None:
        """The language model that the project used last, without a key; None before the first."""
        kept = self.row.settings.get("llm")
        of_this_version = {name: value for name, value in (kept.items() if isinstance(kept, dict) else ()) if name in _OPTIONS}
        return LlmOptions.of(of_this_version) if of_this_version else None
