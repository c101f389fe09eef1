"""One worked generative example: which word of a prompt decides the mood of what a language model goes on to say.

    python -m benchmarks.generative [--home FOLDER]

A project of prompts, as the app has them. Teacher: the packaged local language model answers, greedy, and the built-in
movies classifier judges the mood of what it says. The app's search looks for the smallest edit of the prompt after which
the answer has the other mood; every edit offered is shown with its answer and with how far it moves what the model
would say. A second run in the same folder finds everything on record.
"""

import argparse
import json
import time
from pathlib import Path

from cod_core.counterfactuals.options import SearchOptions
from cod_core.models.choice import read_choice
from cod_core.store import items
from cod_core.text import short_hash
from cod_core.types import Example, Task
from cod_core.workspace import Workspace

RESULTS = Path(__file__).parent / "results" / "generative.json"
PROMPTS = (
    "A short review of a film with a brilliant cast and a dull script: The film is",
    "My friend loved the ending of this movie. She told me that it was",
    "The critics agreed that the new comedy was a failure. They wrote that it was",
)


def prompts_project(w: Workspace) -> str:
    """The project of the prompts, made where it is missing, with its teacher."""
    task = Task("What mood has the answer to this prompt?", ("negative", "positive"))
    pid = next((p.id for p in w.projects() if p.name == "Prompts"), None) or w.create_project("Prompts", task)
    items.add_examples(w.db, pid, [Example(short_hash(p), p, None, "unlabelled") for p in PROMPTS])
    w.project(pid).teacher.choose(read_choice({"kind": "generative", "judge": {"kind": "builtin", "name": "movies"}, "max_tokens": 16}))
    return pid


def searched(w: Workspace, pid: str, example: Example, budget: int) -> dict:
    """What the search made of one prompt."""
    started, teacher = time.perf_counter(), w.project(pid).teacher.classifier()
    before = teacher.predict([example.text])[0]
    report = w.project(pid).search.run([example], 3, options=SearchOptions(budget=budget))
    card = next((c for c in w.project(pid).cards.all() if c.example.id == example.id), None)
    offered = [(cf, check) for cf, check in [(card.offered, card.check), *card.alternatives] if check.valid] if card else []
    said = [answers[0] for answers in w.project(pid).teacher.answers_of([example.text, *(cf.text for cf, _ in offered)])]
    return {
        "prompt": example.text,
        "answer": said[0],
        "mood": before.label,
        "scored": report.scored,
        "seconds": round(time.perf_counter() - started, 1),
        "edits": [
            {
                "prompt": cf.text,
                "note": cf.note,
                "answer": answer,
                "p": round(check.after.prob(cf.target), 3),
                "edit_fraction": round(check.edit_fraction, 3),
                "shift": round(check.shift or 0.0, 3),
            }
            for (cf, check), answer in zip(offered, said[1:])
        ],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--home")
    parser.add_argument("--budget", type=int, default=48, help="prompts that the language model answers for one search")
    chosen = parser.parse_args()
    w = Workspace(chosen.home)
    pid, rows = prompts_project(w), []
    for example in (e for e in w.project(pid).texts.examples() if e.text in PROMPTS):
        rows.append(searched(w, pid, example, chosen.budget))
        print(json.dumps(rows[-1], indent=1), flush=True)
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
