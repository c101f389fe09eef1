"""Round after round: how many texts a small instruct model flips when it hears what was wrong with its last try.

    python -m benchmarks.refinement MODEL.gguf [--task movies] [--texts 24] [--home FOLDER]

The model runs on this computer and writes one reply a text; the first run asks once, the next ones go on from the same replies with
one, two and three rounds more, so a row of the table costs only what it adds. Flips are the teacher's verdicts on the texts as they
stand; "reads well" leaves out those with a fault that anybody sees (rounds.fault_of). Writes benchmarks/results/refinement.json.
"""

import argparse
import json
import time
from pathlib import Path

from benchmarks import tasks
from cod_core.counterfactuals.options import MOST_REPAIRS, GenerateRequest, LlmOptions
from cod_core.counterfactuals.prompts import DEFAULT_TEMPLATE
from cod_core.counterfactuals.rounds import fault_of
from cod_core.data.samples import SAMPLES
from cod_core.project.project import Project
from cod_core.store import items
from cod_core.types import Example
from cod_core.workspace import Workspace

RESULT = Path(__file__).parent / "results" / "refinement.json"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("--task", default="movies")
    parser.add_argument("--texts", type=int, default=24)
    parser.add_argument("--home", default="")
    chosen = parser.parse_args()
    w = Workspace(chosen.home or None)
    project = w.project(_project(w, chosen.task))
    found = measured(project, chosen.model, chosen.texts)
    whole = json.loads(RESULT.read_text(encoding="utf-8")) if RESULT.exists() else {}
    whole.setdefault(Path(chosen.model).name, {})[chosen.task] = found
    RESULT.write_text(json.dumps(whole, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _project(w: Workspace, task: str) -> str:
    """A sample with its built-in teacher, or a task of COD_DATA with one trained on its texts."""
    if task not in SAMPLES:
        return tasks.project(w, task)
    return w.create_sample(task)


def measured(project: Project, model: str, n: int) -> dict[str, object]:
    """texts, and for one to four rounds: texts that flip, that flip and read well, seconds that the round added."""
    texts = project.draws.candidates(n)
    rounds = []
    for more in range(MOST_REPAIRS + 1):
        begun = time.monotonic()
        request = GenerateRequest(k=n, n=1, generator="llm", llm=LlmOptions(local=model), template=DEFAULT_TEMPLATE, repair=more)
        report = project.llm.generate(texts, request)
        flips, good = _flipped(project, texts)
        rounds.append({"rounds": more + 1, "flip": flips, "read_well": good, "seconds": round(time.monotonic() - begun, 1)})
        print(json.dumps(rounds[-1]), " ".join(report.messages), flush=True)
    return {"texts": len(texts), "rounds": rounds, "examples": _examples(project, texts)}


def _flipped(project: Project, texts: list[Example]) -> tuple[int, int]:
    """Texts with a reply that flips, and with one that reads well too."""
    flip, good = 0, 0
    for example, found in _valid(project, texts):
        flip += bool(found)
        good += any(not fault_of(example.text, text) for text in found)
    return flip, good


def _valid(project: Project, texts: list[Example]) -> list[tuple[Example, list[str]]]:
    checks = project.pairs.state().checks
    own = {
        e.id: [cf.text for cf in items.counterfactuals(project.place.db, project.id, [e.id]) if cf.id in checks and checks[cf.id].valid]
        for e in texts
    }
    return [(e, own[e.id]) for e in texts]


def _examples(project: Project, texts: list[Example], most: int = 10) -> list[list[str]]:
    """The first pairs that flip, as they stand, to be read."""
    return [[e.text, found[-1]] for e, found in _valid(project, texts) if found][:most]


if __name__ == "__main__":
    main()
