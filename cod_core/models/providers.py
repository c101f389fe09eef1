"""Services that speak OpenAI's protocol, by name: where they are, what they do not take, where their prices stand.

Facts as their documentation states them (docs/models.md names the pages); what a service does not take is left out from the first
request. What is found out besides is remembered for each model. Knows no HTTP.
"""

from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Provider:
    """address: to start from; NAME in it stands for the person's own. leaves_out: names of quirks.FIELDS. prices: a page, "" where
    the model is the person's own. note: what a person has to know, a sentence. batch: whether it takes OpenAI's batches. hosts:
    whose requests leave these things out, () for servers of one's own, which are found by trying.
    """

    id: str
    title: str
    address: str
    leaves_out: tuple[str, ...] = ()
    prices: str = ""
    note: str = ""
    batch: bool = False
    hosts: tuple[str, ...] = ()

    @property
    def own(self) -> bool:
        """Whether it is a program that people run themselves."""
        return not self.hosts


PROVIDERS = (
    Provider(
        "openai",
        "OpenAI",
        "https://api.openai.com/v1",
        prices="https://openai.com/api/pricing",
        note="Reasoning models take no temperature and give no probabilities; this is found out at the first request.",
        batch=True,
        hosts=("api.openai.com",),
    ),
    Provider(
        "azure",
        "Azure OpenAI",
        "https://NAME.openai.azure.com/openai/v1",
        prices="https://azure.microsoft.com/pricing/details/cognitive-services/openai-service/",
        note="The model is the name of your deployment. An address with ?api-version=2024-10-21 works too.",
        hosts=("openai.azure.com", "services.ai.azure.com"),
    ),
    Provider(
        "anthropic",
        "Anthropic",
        "https://api.anthropic.com/v1",
        ("json", "logprobs", "samples", "seed"),
        prices="https://www.anthropic.com/pricing",
        note="A temperature above 1 counts as 1. A teacher here votes.",
        hosts=("api.anthropic.com",),
    ),
    Provider(
        "gemini",
        "Google Gemini",
        "https://generativelanguage.googleapis.com/v1beta/openai",
        ("logprobs", "seed"),
        prices="https://ai.google.dev/gemini-api/docs/pricing",
        note="A teacher here votes.",
        hosts=("generativelanguage.googleapis.com",),
    ),
    Provider(
        "mistral",
        "Mistral",
        "https://api.mistral.ai/v1",
        ("logprobs", "seed"),
        prices="https://mistral.ai/pricing",
        note="A teacher here votes.",
        hosts=("api.mistral.ai",),
    ),
    Provider(
        "groq",
        "Groq",
        "https://api.groq.com/openai/v1",
        ("logprobs", "samples"),
        prices="https://groq.com/pricing",
        note="A teacher here votes.",
        batch=True,
        hosts=("api.groq.com",),
    ),
    Provider(
        "openrouter",
        "OpenRouter",
        "https://openrouter.ai/api/v1",
        ("samples",),
        prices="https://openrouter.ai/models",
        note="What else is left out depends on the model behind it.",
        hosts=("openrouter.ai",),
    ),
    Provider(
        "together",
        "Together",
        "https://api.together.xyz/v1",
        ("logprobs",),
        prices="https://www.together.ai/pricing",
        note="A teacher here votes: its probabilities come in a form of their own.",
        hosts=("api.together.xyz", "api.together.ai"),
    ),
    Provider("ollama", "Ollama", "http://127.0.0.1:11434/v1", ("samples",), note="Runs on your own machine; no key is needed."),
    Provider("lmstudio", "LM Studio", "http://127.0.0.1:1234/v1", ("samples",), note="Runs on your own machine; no key is needed."),
    Provider("vllm", "vLLM", "http://127.0.0.1:8000/v1", note="Runs on your own machine or server."),
    Provider("llamacpp", "llama.cpp", "http://127.0.0.1:8080/v1", note="Runs on your own machine; no key is needed."),
)
BATCH_SHARE = 0.5  # of the usual price, at the services that take batches (docs/models.md names the pages)
BY_ID = {provider.id: provider for provider in PROVIDERS}


def provider_at(base_url: str) -> Provider | None:
    """The service whose address this is; None for servers of one's own and unknown ones."""
    try:
        host = urlsplit(base_url.strip()).hostname or ""
    except ValueError:
        return None
    return next((p for p in PROVIDERS if any(host == own or host.endswith(f".{own}") for own in p.hosts)), None)


def takes_batches(base_url: str) -> bool | None:
    """Whether the service at an address takes OpenAI's batches, as it documents; None for an address that no preset names."""
    found = BY_ID.get(offered_at(base_url))
    return found.batch if found else None


def offered_at(base_url: str) -> str:
    """Id of the preset that this address comes from, "" for an address of one's own."""
    found = provider_at(base_url)
    return found.id if found else next((p.id for p in PROVIDERS if p.own and p.address == base_url.strip().rstrip("/")), "")
