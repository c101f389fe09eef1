"""The LLM path over a real HTTP server that answers with recorded GPT-4o replies: speed, and what failures cost.

    python -m benchmarks.llm_endpoint [--rows 200] [--latency 0.2] [--in-flight 8]

Ideal time is rows / calls in flight * latency. With failures a tenth of the calls are 429, 500, cut off or garbage:
every row must end verified or with a reason, and no successful reply may be requested twice. Needs COD_DATA.
"""

import argparse
import json
import random
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np

from benchmarks.tasks import TASKS, gpt4o_rows, read
from cod_core.counterfactuals.llm import Ask, LLMClient, LLMGenerator, LLMSettings, propose_many
from cod_core.counterfactuals.verify import verify
from cod_core.models.encoder import Encoder
from cod_core.text import short_hash
from cod_core.types import Example, Prediction
from tests.fakes import Answer, Failure, FakeOpenAI

RESULTS = Path(__file__).parent / "results" / "llm_endpoint.json"
LABELS = {"the world": "world", "sports": "sports", "business": "business", "science/tech": "sci/tech"}
TASK = TASKS["agnews"][1]
GARBAGE = Failure(200, "<html>bad gateway</html>", content_type="text/html")


class CentroidTeacher:
    """A small real teacher: nearest mean embedding of each topic, fitted on AG News rows that GPT-4o did not rewrite."""

    id, revision = "centroids", "1"

    def __init__(self, rows: int = 200):
        self.labels, self._encode = TASK.labels, Encoder().encode
        held = [e for e in read("agnews") if e.split == "validation"][:rows]
        phi = self._encode([e.text for e in held])
        self._means = np.stack([phi[[e.label == label for e in held]].mean(0) for label in self.labels])

    def predict(self, texts):
        """Softmax of the similarities, sharpened tenfold."""
        logits = 10 * self._encode(list(texts)) @ self._means.T
        logits -= np.log(np.exp(logits).sum(-1, keepdims=True))
        return [Prediction(self.labels, tuple(row)) for row in logits.tolist()]

    def chars_read(self, text):
        return len(text)


def recorded(rows: int) -> tuple[list[Ask], dict[str, str]]:
    """One ask for each of the first recorded rows, and the reply that GPT-4o gave for its text."""
    asks, replies = [], {}
    for row in gpt4o_rows()[:rows]:
        source = LABELS[row["ground_truth"]]
        text = row["noisy_cf"] if row["counterfactual_text"] == "null" else row["counterfactual_text"]
        replies[row["original_text"]] = text
        asks.append(
            Ask(
                Example(short_hash(row["original_text"]), row["original_text"], source),
                source,
                "sports" if source != "sports" else "business",
            )
        )
    return asks, replies


def failures(calls: int, share: float, seed: int = 0) -> list[Failure | None]:
    """What goes wrong with the first `calls` calls, in a seeded order: 429, 500 and garbage in turn."""
    kinds = [Failure(429), Failure(500), GARBAGE]
    bad = [kinds[i % 3] for i in range(round(calls * share))]
    plan: list[Failure | None] = [*bad, *[None] * (calls - len(bad))]
    random.Random(seed).shuffle(plan)
    return plan


def run(rows: int, latency: float, in_flight: int, failing: float = 0.0, teacher=None) -> dict:
    """One run over `rows` texts; a further share of `failing` / 4 of the replies is cut off in the middle."""
    asks, replies = recorded(rows)
    rng = random.Random(1)
    cut = {a.example.text for a in asks if rng.random() < failing / 4}
    succeeded: Counter[str] = Counter()

    def answer(body: dict) -> Answer:
        prompt = body["messages"][-1]["content"]
        text = next(t for t in replies if t in prompt)
        succeeded[text] += 1
        whole = json.dumps({"decisive_words": [], "counterfactual": replies[text]}, ensure_ascii=False)
        return Answer(whole[: len(whole) // 2], finish_reason="length") if text in cut else Answer(whole)

    store: dict[str, dict] = {}
    found: dict[str, object] = {}
    with FakeOpenAI(answer, failures=failures(rows, failing), delay=latency) as server:
        settings = LLMSettings(base_url=server.base_url, model="recorded-gpt-4o", n=1, max_in_flight=in_flight)
        generator = LLMGenerator(LLMClient(settings, "none", store.get, store.__setitem__), TASK)
        _warm(server, generator.client)
        started = time.perf_counter()
        outcome = propose_many(generator, asks, on_result=lambda ask, result: found.update({ask.example.id: result}))
        seconds = time.perf_counter() - started
        again = propose_many(
            generator,
            [a for a in asks if a.example.id in outcome.failed],
            on_result=lambda ask, result: found.update({ask.example.id: result}),
        )
        calls = server.calls - 1
    pairs = [(a.example.text, cf) for a in asks for cf in getattr(found.get(a.example.id), "counterfactuals", ())]
    checks = verify(pairs, teacher) if teacher else []
    reasons = {a.example.id: next(iter(found[a.example.id].dropped), None) for a in asks if a.example.id in found}
    ideal = rows / in_flight * latency
    return {
        "rows": rows,
        "in_flight": in_flight,
        "latency_s": latency,
        "failing": failing,
        "seconds": round(seconds, 2),
        "ideal_s": ideal,
        "ratio": round(seconds / ideal, 3),
        "calls": calls,
        "peak": server.peak,
        "with_text": len({cf.example_id for _, cf in pairs}),
        "verified": len(checks),
        "flipped": sum(c.flipped for c in checks),
        "with_reason": sum(reason is not None for reason in reasons.values()),
        "failed_first": len(outcome.failed),
        "failed_after_resume": len(again.failed),
        "lost": sum(1 for a in asks if a.example.id not in found),
        "asked_twice": sum(n > 1 for n in succeeded.values()),
        "reasons": dict(Counter(r for r in reasons.values() if r)),
    }


def bare(rows: int, latency: float, in_flight: int) -> float:
    """Seconds that the same number of calls takes with nothing but Python's own HTTP client: what the machine allows
    just now, since a busy one is late for every answer."""
    with FakeOpenAI("ok", delay=latency) as server:
        address = urlsplit(server.base_url)
        here = threading.local()

        def call(_: int) -> None:
            if not hasattr(here, "line"):
                here.line = HTTPConnection(address.hostname, address.port)
            here.line.request(
                "POST", "/v1/chat/completions", json.dumps({"model": "m", "messages": [{"role": "user", "content": "word " * 300}]})
            )
            here.line.getresponse().read()

        started = time.perf_counter()
        with ThreadPoolExecutor(in_flight) as pool:
            list(pool.map(call, range(rows)))
        return time.perf_counter() - started


def _warm(server: FakeOpenAI, client: LLMClient) -> None:
    """A client's first call imports the openai package and reads certificates; it is not what is measured, and spends
    no failure."""
    planned, server.failures, answered = server.failures, [], server._answer
    server._answer = lambda body: "ok"
    client.chat((("user", "hello"),))
    server.failures, server._answer = planned, answered


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=200)
    parser.add_argument("--latency", type=float, default=0.2)
    parser.add_argument("--in-flight", type=int, default=8)
    chosen = parser.parse_args()
    teacher = CentroidTeacher()
    table = [run(chosen.rows, chosen.latency, chosen.in_flight, failing, teacher) for failing in (0.0, 0.1)]
    table[0]["bare_client_s"] = round(bare(chosen.rows, chosen.latency, chosen.in_flight), 2)
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(table, indent=1) + "\n")
    for row in table:
        print(json.dumps(row))


if __name__ == "__main__":
    main()
