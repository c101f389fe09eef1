"""Tightening measured: people's counterfactuals of IMDB, GPT-4o's of AG News; edits and p(target) before and after.

    python -m benchmarks.tighten imdb|agnews [--pairs 60] [--minutes 9] [--home FOLDER]

imdb: dev pairs of COD_DATA, judged by the built-in movies teacher (it trained on short snippets, none of these), short
reviews first: the teacher reads 128 word pieces. agnews: its own teacher. Resumable, one line a pair in
benchmarks/results/tighten_SET.jsonl; the summary goes to tighten.json.
"""

import argparse
import csv
import json
import time
from pathlib import Path

import numpy as np

from benchmarks import tasks
from cod_core.counterfactuals.tighten import BAND, tighten
from cod_core.errors import BadInput
from cod_core.text import short_hash
from cod_core.workspace import Workspace

RESULTS = Path(__file__).parent / "results"


def imdb_pairs() -> list[tuple[str, str, str]]:
    """(original, counterfactual, target) of the dev pairs, shortest first."""
    with open(tasks.data_folder() / "imdb_cad" / "dev_paired.tsv", encoding="utf-8", newline="") as handle:
        rows = list(csv.DictReader(handle, delimiter="\t"))
    pairs = [
        (tasks.tidy(a["Text"].replace("<br />", " ")), tasks.tidy(b["Text"].replace("<br />", " ")), b["Sentiment"].lower())
        for a, b in zip(rows[::2], rows[1::2])
        if a["batch_id"] == b["batch_id"]
    ]
    return sorted(pairs, key=lambda pair: len(pair[0]))


def agnews_pairs(labels) -> list[tuple[str, str, str | None]]:
    """(original, GPT-4o's counterfactual, None: whatever class the teacher gives it)."""
    return [
        (r["original_text"], r["counterfactual_text"], None) for r in tasks.gpt4o_rows() if r["counterfactual_text"] not in ("", "null")
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("set", choices=("imdb", "agnews"))
    parser.add_argument("--pairs", type=int, default=60)
    parser.add_argument("--minutes", type=float, default=9.0)
    parser.add_argument("--home")
    chosen = parser.parse_args()
    w, started = Workspace(chosen.home), time.monotonic()
    pid = w.create_sample("movies") if chosen.set == "imdb" else tasks.project(w, "agnews")
    teacher = w.project(pid).teacher.classifier()
    pairs = (imdb_pairs() if chosen.set == "imdb" else agnews_pairs(teacher.labels))[: chosen.pairs]
    path = RESULTS / f"tighten_{chosen.set}.jsonl"
    RESULTS.mkdir(exist_ok=True)
    done = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    known = {record["id"] for record in done}
    with open(path, "a", encoding="utf-8") as handle:
        for original, edited, target in pairs:
            key = short_hash(original, edited)
            if key in known or time.monotonic() - started > 60 * chosen.minutes:
                continue
            record = {"id": key, **one(teacher, original, edited, target)}
            done.append(record)
            handle.write(json.dumps(record) + "\n")
            handle.flush()
    whole = json.loads((RESULTS / "tighten.json").read_text()) if (RESULTS / "tighten.json").exists() else {}
    whole[chosen.set] = summarise(done)
    (RESULTS / "tighten.json").write_text(json.dumps(whole, indent=1) + "\n")
    print(json.dumps(whole[chosen.set], indent=1))


def one(teacher, original: str, edited: str, target: str | None) -> dict:
    """A pair tightened in both modes; flipped False where the teacher does not change its mind."""
    before, after = teacher.predict([original, edited])
    aimed = target or after.label
    if before.label == after.label or after.label != aimed:
        return {"flipped": False}
    out = {"flipped": True}
    for mode, band in (("minimal", None), ("confidence", BAND)):
        try:
            found = tighten(original, edited, list(teacher.labels).index(aimed), teacher.wrapped.logprobs, band=band)
        except BadInput:
            return {"flipped": False}
        said = teacher.predict([found.text])[0]
        out[mode] = {
            "fraction_before": round(found.fraction_before, 4),
            "fraction": round(found.fraction, 4),
            "p_before": round(found.p_before, 4),
            "p": round(found.p, 4),
            "kept": found.kept,
            "spans": found.spans,
            "scored": found.scored,
            "valid": said.label == aimed,
            "in_band": bool(BAND[0] <= found.p <= BAND[1]),
        }
    return out


def summarise(done: list[dict]) -> dict:
    flips = [r for r in done if r["flipped"]]
    out: dict = {"pairs": len(done), "flipped": len(flips)}
    for mode in ("minimal", "confidence"):
        rows = [r[mode] for r in flips]
        if rows:
            out[mode] = {
                f"{name}_median": round(float(np.median([r[name] for r in rows])), 4)
                for name in ("fraction_before", "fraction", "p_before", "p", "kept", "spans", "scored")
            }
            out[mode] |= {"all_valid": all(r["valid"] for r in rows), "in_band": round(float(np.mean([r["in_band"] for r in rows])), 4)}
    return out


if __name__ == "__main__":
    main()
