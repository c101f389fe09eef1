"""`models`: services by name, what an address lists, what works there. And the options that name a language model."""

from dataclasses import asdict
from typing import Annotated, Any

import typer

from cod_core.commands.shell import AsJson, Home, app, endpoint, open_workspace, say, split
from cod_core.counterfactuals.options import LlmOptions
from cod_core.models.providers import BY_ID, PROVIDERS, Provider
from cod_core.models.quirks import SWITCHES

Service = Annotated[str, typer.Option(help=f"A service by name, in place of --base-url: {', '.join(BY_ID)}.")]
Temperature = Annotated[float | None, typer.Option(help="For a language model: its temperature, 0 to 2.", min=0.0, max=2.0)]
Without = Annotated[str, typer.Option(help=f"For a language model: what not to send it, comma-separated: {', '.join(SWITCHES)}.")]
Calls = Annotated[int | None, typer.Option(help="For a language model: most calls at a time; fewer where it asks for that.", min=1, max=64)]


def address(service: str, base_url: str) -> str:
    """The address that --service or --base-url names. Wrong use where neither does, or the service has none of its own."""
    if not service or base_url.strip():
        return endpoint(base_url)
    if service not in BY_ID:
        raise typer.BadParameter(f"There is no service {service!r}. Choose from: {', '.join(BY_ID)}.")
    if "NAME" in BY_ID[service].address:
        raise typer.BadParameter(f"Give --base-url too: {BY_ID[service].address}, with your own name in place of NAME.")
    return BY_ID[service].address


def how(temperature: float | None, without: str, calls: int | None) -> dict[str, Any]:
    """The options that were given, as LlmOptions and LlmChoice read them."""
    given = {"temperature": temperature, "without": split(without), "max_in_flight": calls}
    return {name: value for name, value in given.items() if value not in (None, [])}


@app.command()
def models(
    project: Annotated[str, typer.Argument(help="Whose addresses and keys count; none: list the services.")] = "",
    service: Service = "",
    base_url: Annotated[str, typer.Option(help="Address of the service; its key comes from COD_LLM_KEY.")] = "",
    model: Annotated[str, typer.Option(help="Try this model with one harmless sentence; none: list the models there.")] = "",
    as_json: AsJson = False,
    home: Home = None,
) -> None:
    """List services, the models that one offers, or what works for a model. No text of yours is sent."""
    if not project:
        return say([asdict(one) for one in PROVIDERS], as_json, "\n".join(map(_line, PROVIDERS)))
    where, clients = address(service, base_url), open_workspace(home).project(project).clients
    if not model:
        names = clients.names_at(where)
        return say(names, as_json, "\n".join(names) or "This address lists no models. Give the name with --model.")
    found = clients.try_address(LlmOptions(where, model))
    marks = {True: "yes", False: "no", None: "not known"}
    lines = [f"{one.what:16s}{marks[one.works]:10s}{one.words}" for one in found.findings]
    say(found.to_json(), as_json, "\n".join([f"{found.model} at {found.host}", *lines]))
    if not found.works:
        raise typer.Exit(1)


def _line(provider: Provider) -> str:
    prices = f" Prices: {provider.prices}" if provider.prices else ""
    return f"{provider.id:12s}{provider.title:16s}{provider.address}\n{'':12s}{provider.note}{prices}"
