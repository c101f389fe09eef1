"""Where a language model is asked, and how: values, checked when they are made. Holds no key."""

from dataclasses import dataclass, field

from cod_core.errors import BadInput
from cod_core.models.address import Address
from cod_core.models.quirks import SWITCHES


@dataclass(frozen=True)
class LLMSettings:
    """Where and how to ask. n: candidates per text. price_in, price_out: USD per million tokens, None if unknown.

    without: what is not sent to this model, names of quirks.SWITCHES. Holds no key. Raises BadInput where a value is out of
    range or the URL carries a secret.
    """

    base_url: str = "https://api.openai.com/v1"
    model: str = "gpt-4o-mini"
    temperature: float = 0.7
    n: int = 4
    max_in_flight: int = 4
    price_in: float | None = None
    price_out: float | None = None
    without: tuple[str, ...] = ()
    address: Address = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "address", Address.of(self.base_url))
        object.__setattr__(self, "base_url", self.address.text)
        object.__setattr__(self, "model", self.model.strip())
        if not self.model:
            raise BadInput("Give the name of the model, as the endpoint lists it.")
        if not 0 <= self.temperature <= 2:
            raise BadInput(f"The temperature must lie between 0 and 2; got {self.temperature}.")
        for name, top in (("n", 50), ("max_in_flight", 64)):
            if not 1 <= getattr(self, name) <= top:
                raise BadInput(f"{name} must lie between 1 and {top}; got {getattr(self, name)}.")
        check_without(self.without)

    @property
    def host(self) -> str:
        """Where texts are sent: host, and port where one is given."""
        return self.address.host

    @property
    def site(self) -> str:
        """Scheme, host and port: what a key belongs to. The port is the scheme's usual one where none is given."""
        return self.address.site

    def cost(self, tokens_in: float, tokens_out: float) -> float | None:
        """USD for that many tokens; None where no price was given."""
        if self.price_in is None or self.price_out is None:
            return None
        return (tokens_in * self.price_in + tokens_out * self.price_out) / 1e6


def check_without(names: tuple[str, ...]) -> None:
    """Raises BadInput where one of the names is nothing that could be left out."""
    if unknown := [name for name in names if name not in SWITCHES]:
        raise BadInput(f"{unknown[0]!r} is nothing that a request could be sent without. Choose from: {', '.join(SWITCHES)}.")


def site_of(base_url: str) -> str:
    """LLMSettings.site of an address. Raises BadInput where it is none."""
    return Address.of(base_url).site
