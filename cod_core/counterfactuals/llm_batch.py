"""Proposals for many texts by a language model's batch interface: all asked together, each handed on once its answers are there.

Knows no wire and no store: the client knows what is under way (models/batch_client.py), and what was sent before a restart.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

from cod_core.counterfactuals.llm import Ask, LLMGenerator, Outcome, Proposals, propose_many
from cod_core.errors import Cancelled
from cod_core.models.batch_client import BatchClient, Question
from cod_core.models.chat import reply_key
from cod_core.progress import Progress, silent


def propose_by_batch(
    generator: LLMGenerator,
    asks: Sequence[Ask],
    n: int | None = None,
    on_result: Callable[[Ask, Proposals], object] = lambda ask, proposals: None,
    progress: Progress = silent,
) -> Outcome:
    """As propose_many, for a generator whose client is a BatchClient. A text to which no answer came is named, and nothing is asked
    for by itself but the first. Where progress raises Cancelled, the batches are cancelled too.

    Raises EndpointError where the service takes no batch; what is under way is waited for by the next call with the same client's
    record.
    """
    client = generator.client
    if not isinstance(client, BatchClient):
        raise TypeError(f"propose_by_batch needs a client that sends batches, not {type(client).__name__}.")
    samples, left, came = n or client.settings.n, list(asks), list[Outcome]()
    questions = {id(ask): _question(generator, ask, samples) for ask in asks}
    try:
        for under_way in client.send(list(questions.values()), progress):
            ready = [ask for ask in left if not under_way & _keys(client, questions[id(ask)])]
            if ready:
                came.append(propose_many(generator, ready, samples, on_result, progress))
            done = {id(ask) for ask in ready}
            left = [ask for ask in left if id(ask) not in done]
    except Cancelled:
        client.cancel()
        raise
    return _together(came)


def _question(generator: LLMGenerator, ask: Ask, samples: int) -> Question:
    prompt = generator.prompt(ask)
    return Question(prompt.messages, ask.first_sample, samples, prompt.response_format)


def _keys(client: BatchClient, question: Question) -> set[str]:
    """The keys of all answers to a question."""
    samples = range(question.sample, question.sample + question.count)
    return {reply_key(client.settings, question.messages, client.settings.temperature, sample) for sample in samples}


def _together(parts: Sequence[Outcome]) -> Outcome:
    """What the parts of a run came to."""
    if not parts:
        return Outcome(0, {}, {}, 0, 0.0, fresh=False)
    dropped: Counter[str] = Counter()
    for one in parts:
        dropped.update(one.dropped)
    costs = [one.cost_usd for one in parts if one.cost_usd is not None]
    return replace(
        parts[0],
        proposed=sum(one.proposed for one in parts),
        dropped=dict(dropped),
        failed={i: why for one in parts for i, why in one.failed.items()},
        cached=sum(one.cached for one in parts),
        cost_usd=sum(costs) if len(costs) == len(parts) else None,
        asked=sum(one.asked for one in parts),
        unread=sum(one.unread for one in parts),
        refused={i: why for one in parts for i, why in one.refused.items()},
        fresh=any(one.fresh for one in parts),
    )
