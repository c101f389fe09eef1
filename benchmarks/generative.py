"""One worked generative example: which word of a prompt decides the mood of what a language model goes on to say.

    python -m benchmarks.generative [--home FOLDER]

Generator: the packaged local language model, greedy. Attribute: the built-in movies teacher on its answer. The search
of the app (embedding neighbours, negation, deletion) looks for the smallest edit of the prompt after which the answer
has the other mood; every edit found is shown with its answer and with how far it moves what the model would say.
"""

import argparse
import json
import time
from pathlib import Path

from cod_core.counterfactuals.neighbours import EmbeddingNeighbours
from cod_core.counterfactuals.plain_edits import Deletions, Negations
from cod_core.counterfactuals.search import SearchGenerator, SearchSettings
from cod_core.models.generative import GenerativeTeacher, answer_shift, local_answers
from cod_core.text import edit_fraction, short_hash
from cod_core.types import Example
from cod_core.workspace import Workspace

RESULTS = Path(__file__).parent / "results" / "generative.json"
PROMPTS = (
    "A short review of a film with a brilliant cast and a dull script: The film is",
    "My friend loved the ending of this movie. She told me that it was",
    "The critics agreed that the new comedy was a failure. They wrote that it was",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--home")
    parser.add_argument("--budget", type=int, default=96, help="prompts that the language model answers for one search")
    chosen = parser.parse_args()
    w = Workspace(chosen.home)
    pid = next((p.id for p in w.projects() if p.name.startswith("Sample: Movie")), None) or w.create_sample("movies")
    attribute, llm = w.teacher(pid).wrapped, w.local_llm(w.local_llm_name())
    teacher = GenerativeTeacher(local_answers(llm, 16), attribute, llm.id, llm.revision)
    sources = [EmbeddingNeighbours(w.encoder().wrapped), Negations(), Deletions()]
    rows = []
    for prompt in PROMPTS:
        started = time.perf_counter()
        before = teacher.predict([prompt])[0]
        target = next(label for label in before.labels if label != before.label)
        search = SearchGenerator(teacher.logprobs, teacher.labels, sources, SearchSettings(budget=chosen.budget),
                                 task="What mood has the answer?")
        found = search.propose(Example(short_hash(prompt), prompt), before.label, target, 3)
        said = teacher.answers([prompt])[0]
        shift = answer_shift(llm, prompt, [cf.text for cf in found], said) if found else []
        rows.append({
            "prompt": prompt, "answer": said, "mood": before.label, "scored": search.texts_scored,
            "seconds": round(time.perf_counter() - started, 1),
            "edits": [{"prompt": cf.text, "note": cf.note, "answer": teacher.answers([cf.text])[0],
                       "p": round(teacher.predict([cf.text])[0].prob(target), 3),
                       "edit_fraction": round(edit_fraction(prompt, cf.text), 3), "shift": round(float(move), 3)}
                      for cf, move in sorted(zip(found, shift), key=lambda pair: -pair[1])]})
        print(json.dumps(rows[-1], indent=1), flush=True)
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
