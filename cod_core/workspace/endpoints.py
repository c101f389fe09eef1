"""Which addresses a project's texts may be sent to, and which key may go along.

A person names an address by choosing a teacher there, by starting a run there, or by confirming it. An address that came with
a restored project was named elsewhere: nothing goes to it before somebody confirms it here. Keys stay in memory.
"""

import os

from cod_core.models.chat import LLMSettings, site_of
from cod_core.models.endpoint_errors import ADDRESS_VARIABLE, KEY_VARIABLE, EndpointError
from cod_core.store import projects
from cod_core.workspace.base import Base


class Endpoints(Base):
    """Whom a project may talk to."""

    def name_endpoint(self, pid: str, base_url: str, key: str | None = None) -> None:
        """A person says that texts of this project may go to this address, with this key where one is given.

        The host is kept with the project, the key in this process's memory only. Raises BadInput for what is no address.
        """
        site, known = site_of(base_url), self._named(pid)
        if site not in known:
            projects.update_settings(self.db, pid, {"endpoints": [*known, site]})
        self.remember_key(pid, base_url, key)

    def unconfirmed_endpoints(self, pid: str) -> list[str]:
        """Addresses that the project's teacher or its last language model have, and that nobody named here."""
        project = self.project(pid)
        held = [str(spec["base_url"]) for spec in (project.teacher, self.last_llm(pid)) if spec and spec.get("base_url")]
        return list({site_of(url): url for url in held if site_of(url) not in self._named(pid)}.values())

    def remember_key(self, pid: str, base_url: str, key: str | None) -> None:
        """Keep an LLM key for a project and one host in this process's memory only: never in the database, a file or a log."""
        if key:
            self._keys[pid, site_of(base_url)] = key

    def keys_of(self, pid: str) -> dict[str, str]:
        """site -> key, of those given for the project since this process started."""
        return {site: key for (own, site), key in self._keys.items() if own == pid}

    def key_for(self, pid: str, settings: LLMSettings) -> str | None:
        """The key to send along with this project's texts; None where there is none for this host.

        COD_LLM_KEY goes to the host of COD_LLM_BASE_URL; where that is not set, to every host that was named for the project.
        Raises EndpointError where nobody named the host: then no text may go there either.
        """
        if settings.site not in self._named(pid):
            raise EndpointError(
                f"Nothing was sent: nobody has confirmed here yet that texts of this project may go to {settings.host}. Confirm it "
                f"on the page Teacher, or with: python -m cod_core teacher {pid} confirm --base-url {settings.base_url}",
                "unconfirmed",
            )
        declared = os.environ.get(ADDRESS_VARIABLE, "").strip()
        belongs = not declared or site_of(declared) == settings.site
        return self._keys.get((pid, settings.site)) or (os.environ.get(KEY_VARIABLE) if belongs else None)

    def address_of(self, pid: str, params: dict) -> str | None:
        """Where a job with these params asks a language model: at the address it names, else at the teacher's; None: nowhere."""
        for spec in (params.get("llm"), self.project(pid).teacher):
            if spec and spec.get("base_url"):
                return str(spec["base_url"])
        return None

    def _named(self, pid: str) -> list[str]:
        return list(self.project(pid).settings.get("endpoints") or ())
