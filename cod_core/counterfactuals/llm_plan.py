"""What an LLM run would send, to where, and what it costs, before it sends anything. Makes no call, needs no key."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from cod_core.counterfactuals.llm import Ask
from cod_core.counterfactuals.prompts import DEFAULT_TEMPLATE, Demonstration, render
from cod_core.counterfactuals.round_rate import Rate, more_calls
from cod_core.models.chat import ChatSettings, reply_key
from cod_core.said import msg, say
from cod_core.text import tokens
from cod_core.types import Task

FEEDBACK = 120  # tokens of what a later round is told


@dataclass(frozen=True)
class Plan:
    """What a run would send, before it sends anything.

    prompt: for the first text, word for word. calls: still to be made; cached: answered already and free.
    tokens_in, tokens_out: estimates, good to about a third. cost_usd: None where no price was given. worst, likely: with the
    later rounds, where each text takes all of them, and at the rate seen so far with this model; None where there are no
    later rounds, or no rate is known.
    """

    prompt: str
    calls: int
    cached: int
    tokens_in: int
    tokens_out: int
    cost_usd: float | None
    host: str
    model: str
    max_in_flight: int
    notes: tuple[str, ...] = ()
    worst_calls: int | None = None
    worst_cost_usd: float | None = None
    likely_calls: int | None = None
    likely_cost_usd: float | None = None


def plan(
    task: Task,
    asks: Sequence[Ask],
    settings: ChatSettings,
    n: int | None = None,
    template_name: str = DEFAULT_TEMPLATE,
    get_reply: Callable[[str], dict[str, Any] | None] | None = None,
    demonstrations: Sequence[Demonstration] = (),
) -> Plan:
    """The plan of a run over asks, n samples each (the settings' n where None). Makes no call and needs no key."""
    samples = n or settings.n
    calls = cached = tokens_in = tokens_out = 0
    first = ""
    for ask in asks:
        prompt = render(task, ask.example.text, ask.source, ask.target, template_name, ask.keep, demonstrations, ask.last)
        first = first or prompt.shown
        a_call = sum(estimate_tokens(content) + 4 for _, content in prompt.messages)
        for sample in range(ask.first_sample, ask.first_sample + samples):
            if get_reply and get_reply(reply_key(settings, prompt.messages, settings.temperature, sample)):
                cached += 1
                continue
            calls += 1
            tokens_in += a_call
            tokens_out += estimate_tokens(ask.example.text) + 30
    notes: list[str] = []
    if settings.temperature == 0 and samples > 1:
        notes.append(msg("At temperature 0 the candidates of one text are mostly the same. Raise it, or ask for 1."))
    if settings.cost(0, 0) is None:
        notes.append(msg("No price was given, so the cost is not known."))
    return Plan(
        first,
        calls,
        cached,
        tokens_in,
        tokens_out,
        settings.cost(tokens_in, tokens_out),
        settings.host,
        settings.model,
        settings.max_in_flight,
        tuple(notes),
    )


def as_batch(plan: Plan, half_price: bool | None) -> Plan:
    """The plan said for a batch. half_price: whether the service is known to ask half, which the plan's cost then is already."""
    within = msg("Sent as a batch at half the price. The first request goes by itself; the answers to the others come within a day.")
    if not half_price:
        within = msg(
            "Sent as a batch at a price that is not known here: the cost is that of single requests. The first request goes by itself; "
            "the answers to the others come within a day."
        )
    return replace(plan, notes=(*plan.notes, within))


def with_rounds(plan: Plan, asks: Sequence[Ask], settings: ChatSettings, rounds: int, rate: Rate) -> Plan:
    """The plan with what later rounds may take. rounds: after the first, one call each. rate: of this model so far."""
    worst, likely = more_calls(len(asks), rounds, rate)
    text = sum(estimate_tokens(ask.example.text) for ask in asks) / max(1, len(asks))
    first = estimate_tokens(plan.prompt)
    a_round = settings.cost(first + 2 * text + FEEDBACK, text + 30)

    def cost(calls: int | None) -> float | None:
        return None if calls is None or plan.cost_usd is None or a_round is None else plan.cost_usd + calls * a_round

    again = say("Texts that do not flip are asked for again: up to {worst:,} calls more at worst.", worst=worst)
    if likely is not None:
        again = say(
            "Texts that do not flip are asked for again: up to {worst:,} calls more at worst, about {likely:,} at the rate seen so far.",
            worst=worst,
            likely=likely,
        )
    return replace(
        plan,
        notes=(*plan.notes, again),
        worst_calls=plan.calls + worst,
        worst_cost_usd=cost(worst),
        likely_calls=None if likely is None else plan.calls + likely,
        likely_cost_usd=cost(likely),
    )


def estimate_tokens(text: str) -> int:
    """About how many tokens a model counts in the text: a word is 1.3, four characters are 1, whichever is more."""
    return round(max(1.3 * len(tokens(text)), len(text) / 4))
