"""Calls to a chat model behind a limit of requests: how near the limit a run comes, and how many calls are refused.

    python -m benchmarks.rates

A server on loopback lets 20 calls a second through, four at once, and takes .05 s each; what is over is answered by 429, with and
without retry-after. No call may be lost.
"""

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from cod_core.models.chat import LLMClient, LLMSettings
from tests.fakes import Failure, FakeOpenAI

RATE, BURST, TAKES_S, CALLS = 20.0, 4.0, 0.05, 200
OUT = Path(__file__).parent / "results" / "rates.json"


class Bucket:
    """Lets RATE calls a second through. hint: whether a refusal says how long to wait."""

    def __init__(self, hint: bool):
        self.hint, self.refused, self._left, self._at, self._lock = hint, 0, BURST, time.monotonic(), threading.Lock()

    def __call__(self, body: dict) -> Failure | None:
        with self._lock:
            now = time.monotonic()
            self._left, self._at = min(BURST, self._left + (now - self._at) * RATE), now
            if self._left >= 1:
                self._left -= 1
                return None
            self.refused += 1
            wait_ms = round(1000 * (1 - self._left) / RATE)
            return Failure(429, '{"error": {"message": "Rate limit reached"}}', wait_ms=wait_ms if self.hint else None)


def measured(in_flight: int, hint: bool) -> dict:
    """One run of CALLS calls."""
    bucket = Bucket(hint)
    with FakeOpenAI("fine", refuses=bucket, delay=TAKES_S) as server, ThreadPoolExecutor(in_flight) as pool:
        client = LLMClient(LLMSettings(base_url=server.base_url, model="fake", max_in_flight=in_flight))
        begun = time.monotonic()
        got = list(pool.map(lambda i: client.chat((("user", f"text {i}"),)).content, range(CALLS)))
        seconds = time.monotonic() - begun
    return {
        "in_flight": in_flight,
        "retry_after": hint,
        "answered": got.count("fine"),
        "a_second": round(CALLS / seconds, 1),
        "refused": bucket.refused,
    }


def main() -> None:
    found = [measured(in_flight, hint) for in_flight in (4, 16) for hint in (True, False)]
    OUT.write_text(json.dumps({"limit": RATE, "calls": CALLS, "runs": found}, indent=1) + "\n", encoding="utf-8")
    for run in found:
        print(run)


if __name__ == "__main__":
    main()
