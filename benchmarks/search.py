"""Both generations of the search on the same texts in one run: flips, edits, texts scored, seconds, reading.

    python benchmarks/search.py TASK [--texts 500] [--first 40] [--budget 1500] [--home FOLDER]

TASK: movies, amazon, tweets, news (built in) or sst2, sst5, agnews (COD_DATA). --first: texts that the first
generation is also run on (the ratio of seconds is over these). Development rows for news and agnews, training rows
for the rest. Resumable: one line a text in benchmarks/results/search_TASK.jsonl; the summary goes to search.json.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np

from benchmarks import tasks
from cod_core.counterfactuals import words
from cod_core.counterfactuals.options import SearchOptions
from cod_core.store import items
from cod_core.text import diff, edit_fraction
from cod_core.workspace import Workspace

RESULTS = Path(__file__).parent / "results"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("task")
    parser.add_argument("--texts", type=int, default=500)
    parser.add_argument("--first", type=int, default=40)
    parser.add_argument("--budget", type=int, default=1500)
    parser.add_argument("--minutes", type=float, default=9.0)
    parser.add_argument("--home")
    chosen = parser.parse_args()
    w, started = Workspace(chosen.home), time.monotonic()
    pid = tasks.project(w, chosen.task) if chosen.task in tasks.TASKS else w.create_sample(chosen.task)
    split = "validation" if chosen.task in ("news", "agnews") else "train"
    rows = items.examples(w.db, pid, split=split)[: chosen.texts]
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"search_{chosen.task}.jsonl"
    done = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    known = {record["id"] for record in done}
    propose, teacher, old = w.project(pid).searcher.proposer(SearchOptions(budget=chosen.budget)), w.project(pid).teacher.classifier(), None
    propose(rows[0], 4)  # models and word lists load here
    with open(path, "a", encoding="utf-8") as handle:
        for number, example in enumerate(rows):
            if example.id in known or time.monotonic() - started > 60 * chosen.minutes:
                continue
            record = {"id": example.id, "second": once(propose, propose.generator(), example, teacher)}
            if number < chosen.first:
                old = old or first_generation(w, pid)
                record["first"] = once(old.by_text, old, example, teacher)
            done.append(record)
            handle.write(json.dumps(record) + "\n")
            handle.flush()
    summary = json.loads((RESULTS / "search.json").read_text()) if (RESULTS / "search.json").exists() else {}
    summary[chosen.task] = summarise(done)
    (RESULTS / "search.json").write_text(json.dumps(summary, indent=1) + "\n")
    print(json.dumps(summary[chosen.task], indent=1))


def first_generation(w: Workspace, pid: str):
    """The first generation on the project's teacher and encoder, with a `by_text` like the second's."""
    from benchmarks.first_generation import EmbeddingNeighbours, SearchGenerator
    from cod_core.counterfactuals import verify

    teacher = w.project(pid).teacher.classifier()
    made = SearchGenerator(teacher.wrapped.logprobs, teacher.labels, EmbeddingNeighbours(w.models.encoder().wrapped))

    def by_text(example, n):
        before = teacher.predict([example.text])[0]
        return made.propose(example, before.label, verify.target_of(before), n)

    made.by_text = by_text
    return made


def once(propose, generator, example, teacher) -> dict:
    """What one search gave, its first offer judged."""
    teacher.predict([example.text])
    clock, cpu = time.perf_counter(), time.process_time()
    found = propose(example, 4)
    out = {
        "seconds": round(time.perf_counter() - clock, 4),
        "cpu": round(time.process_time() - cpu, 4),
        "scored": generator.texts_scored,
        "flips": len(found),
        "before": example.text,
    }
    if found:
        cf = found[0]
        after = teacher.predict([cf.text])[0]
        out |= {
            "after": cf.text,
            "fraction": round(edit_fraction(example.text, cf.text), 4),
            "p": round(after.prob(cf.target), 4),
            "valid": after.label == cf.target,
            "function_words": function_words_changed(example.text, cf.text),
        }
    return out


def function_words_changed(before: str, after: str) -> int:
    """Function words taken out by the edits, articles and negations aside."""
    gone = [word for edit in diff(before, after) for word in edit.a_text.split()]
    return sum(words.is_function_word(word) and words.affirmed(word) is None and word.lower() not in ("a", "an") for word in gone)


def summarise(done: list[dict]) -> dict:
    """Shares, medians and the ratio of seconds over the texts that both generations had."""
    out = {}
    both = [r for r in done if "first" in r]
    for name, records in (("second", done), ("first", both), ("second on the same", both)):
        found = [r[name.split()[0]] for r in records]
        flips = [r for r in found if r["flips"]]
        if not found:
            continue
        out[name] = {
            "texts": len(found),
            "flipped": round(len(flips) / len(found), 4),
            "within_400": round(sum(r["scored"] <= 400 for r in flips) / len(found), 4),
            "within_1500": round(sum(r["scored"] <= 1500 for r in flips) / len(found), 4),
            "all_valid": all(r["valid"] for r in flips),
            "median_fraction": float(np.median([r["fraction"] for r in flips])) if flips else None,
            "median_p": float(np.median([r["p"] for r in flips])) if flips else None,
            "function_words_changed": sum(r["function_words"] for r in flips),
            "scored_mean": round(float(np.mean([r["scored"] for r in found])), 1),
            "seconds_mean": round(float(np.mean([r["seconds"] for r in found])), 3),
            "cpu_mean": round(float(np.mean([r["cpu"] for r in found])), 3),
        }
    if both:
        out["times_faster"] = round(out["first"]["seconds_mean"] / out["second on the same"]["seconds_mean"], 2)
        out["times_faster_cpu"] = round(out["first"]["cpu_mean"] / out["second on the same"]["cpu_mean"], 2)
    return out


if __name__ == "__main__":
    main()
