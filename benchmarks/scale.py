"""A large project: 10,000 texts with 4 proposals each, and import and export of 100,000 rows.

    python -m benchmarks.scale [--home FOLDER] [--parts pages,import,export,places,growth] [--texts 10000] [--rows 100000]

Pages are timed as a person waits for them: the whole page run of the app (sidebar, queue, card or table), in this
process. Every part of a file's way runs in a process of its own, so that its peak memory is its own. Texts are made
by chance from a fixed seed; every verdict is made up, so that no model is asked. The part places runs heavy work on 1 and 2 processes
and on Dask clusters (benchmarks/places.py), growth measures 1,000, 10,000 and 100,000 texts and cells (benchmarks/growth.py).
Writes benchmarks/results/scale.json.
"""

import argparse
import json
import os
import random
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
RESULTS = Path(__file__).parent / "results" / "scale.json"
LABELS = ("negative", "positive")
TEACHER = {"kind": "builtin", "name": "movies"}
WORDS = (
    "the film was a slow but honest look at people who never say what they want and it stays with you long after "
    "rain night music actor story ending scene quiet strange funny sharp dull bright empty loud kind cold"
).split()
PRESSES = 30


def sentence(rng: random.Random, n: int = 18) -> str:
    return " ".join(rng.choices(WORDS, k=n)).capitalize() + "."


def fill(w, n: int, proposals: int = 4, decided: float = 0.0, name: str = "Large", rejects: bool = True) -> str:
    """A project of n texts with proposals and verdicts; the first part of them decided."""
    from cod_core.models.choice import read_choice
    from cod_core.project.teacher.loader import identity
    from cod_core.store import decisions, items, projects
    from cod_core.types import Counterfactual, Decision, Example, FlipCheck, Origin, Prediction, Task, now

    rng = random.Random(0)
    pid = w.create_project(name, Task("Good or bad?", LABELS))
    projects.set_teacher(w.db, pid, TEACHER)
    teacher, at = identity(read_choice(TEACHER), LABELS), now()
    sure = {LABELS[0]: Prediction(LABELS, (-0.1, -2.35)), LABELS[1]: Prediction(LABELS, (-1.9, -0.16))}
    texts = [
        Example(f"e{i}", f"{sentence(rng)} {i}", LABELS[i % 2], ("test", "validation", "train", "train", "train")[i % 5]) for i in range(n)
    ]
    items.add_examples(w.db, pid, texts)
    for start in range(0, n, 2000):
        cfs = [
            Counterfactual(
                f"c{i}-{j}",
                f"e{i}",
                texts[i].text.replace(" ", f" {rng.choice(WORDS)} ", j + 1),
                LABELS[i % 2],
                LABELS[1 - i % 2],
                Origin("search", "search", "1"),
                note=f"{j + 1} words added",
                created_at=at,
            )
            for i in range(start, min(n, start + 2000))
            for j in range(proposals)
        ]
        items.add_counterfactuals(w.db, pid, cfs)
        items.add_checks(
            w.db,
            pid,
            [
                FlipCheck(
                    cf.id,
                    *teacher,
                    sure[cf.source],
                    sure[cf.target if rng.random() < 0.8 else cf.source],
                    cf.target,
                    1 + int(cf.id[-1]),
                    0.05 * (1 + int(cf.id[-1])),
                    6,
                    0.9,
                    False,
                    at,
                )
                for cf in cfs
            ],
        )
    decisions.append_each(
        w.db,
        pid,
        [
            Decision(f"c{i}-0", f"e{i}", "rejected" if rejects and i % 3 == 0 else "accepted", "ann", (), "made up", decided_at=at)
            for i in range(int(n * decided))
        ],
    )
    on_record(w, pid, teacher, texts, sure)
    return pid


def on_record(w, pid: str, teacher, texts, sure) -> None:
    """What verification leaves behind: a prediction and an embedding of every text."""
    import numpy as np

    from cod_core.store import cache, items
    from cod_core.text import text_hash

    draw = np.random.default_rng(0)
    made = items.counterfactuals(w.db, pid)
    cache.put_predictions(
        w.db,
        *teacher,
        {text_hash(t.text): sure[t.label].logprobs for t in texts} | {text_hash(cf.text): sure[cf.target].logprobs for cf in made},
    )
    every = [t.text for t in texts] + [cf.text for cf in made]
    for at in range(0, len(every), 5000):
        rows = draw.normal(size=(len(every[at : at + 5000]), 384)).astype(np.float32)
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        cache.put_embeddings(w.db, w.models.encoder().id, {text_hash(t): row for t, row in zip(every[at : at + 5000], rows)})


def page(pid: str, name: str):
    """An AppTest of one page of the project, after its first run."""
    from streamlit.testing.v1 import AppTest

    test = AppTest.from_file(str(ROOT / "app.py"), default_timeout=300)
    test.query_params["project"] = pid
    test.run()
    return test.switch_page(f"pages/{name}.py").run()


def timed(act) -> tuple[float, float]:
    """(seconds on the clock, seconds of processor) of one act."""
    start, used = time.perf_counter(), time.process_time()
    act()
    return time.perf_counter() - start, time.process_time() - used


def summed(taken: list[tuple[float, float]]) -> dict:
    """Median and largest of what `timed` gave; on a busy machine the processor's seconds say more."""
    clock, processor = zip(*taken)
    return {
        "median_s": round(statistics.median(clock), 3),
        "max_s": round(max(clock), 3),
        "median_processor_s": round(statistics.median(processor), 3),
        "n": len(taken),
    }


def press(test, key: str) -> None:
    next(b for b in test.button if b.key == key).click().run()
    if test.exception:
        raise SystemExit(f"the page failed: {test.exception[0].message}")


def pages(home: str, n: int) -> dict:
    """Seconds of a card change (reject, accept), of a table page, and of the first look after a start."""
    os.environ["COD_HOME"] = home
    from ui.frame import state

    state.GUARD_SECONDS = 0.0
    w = state.workspace()
    pid = next((p.id for p in w.projects() if p.name == f"Large {n}"), None) or fill(w, n, decided=0.3, name=f"Large {n}")
    out: dict = {"texts": n, "proposals": 4 * n, "decided": int(n * 0.3)}
    out["first_look"] = summed([timed(lambda: w.project(pid).cards.all())])
    type(w).warm_teacher = lambda self, pid: None  # loads a model in another thread: not what is timed here
    card = page(pid, "curate")
    if card.exception:
        raise SystemExit(card.exception[0].message)
    taken = []
    for _ in range(PRESSES):
        taken.append(timed(lambda: press(card, "skip")))
    out["card_change"] = summed(taken)
    table = page(pid, "review")
    taken = [timed(lambda: press(table, "page-on")) for _ in range(PRESSES)]
    out["table_page"] = summed(taken)
    box = next(t for t in table.text_input if t.key == "table-text")
    taken = [timed(lambda word=word: box.set_value(word).run()) for word in ("rain night", "strange", "", "honest look")]
    out["table_filter"] = summed(taken)
    out["memory_mb"] = peak()
    return out


def peak() -> int:
    """Most memory that this process ever held, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def importing(home: str, n: int) -> dict:
    """Seconds and peak memory of reading and storing a table of n rows; the number of progress reports."""
    from cod_core.data.tables import guess_columns, read_table
    from cod_core.types import Task
    from cod_core.workspace import Workspace

    w, rng, before = Workspace(home), random.Random(1), peak()
    data = ("text,label\n" + "".join(f'"{sentence(rng)} {i}",{LABELS[i % 2]}\n' for i in range(n))).encode()
    seen: list[int] = []
    start, used = time.perf_counter(), time.process_time()
    table = read_table("rows.csv", data)
    pid = w.create_project(f"Import {n}", Task("Good or bad?", LABELS))
    found = w.project(pid).uploads.import_table(
        table, guess_columns(table), "labelled", None, [], f"sha-{n}", "rows.csv", lambda done, total, message="": seen.append(done)
    )
    seconds, used = time.perf_counter() - start, time.process_time() - used
    return {
        "rows": n,
        "stored": len(found.examples),
        "seconds": round(seconds, 1),
        "processor_s": round(used, 1),
        "progress_reports": len(seen),
        "file_mb": round(len(data) / 2**20, 1),
        "peak_mb": peak(),
        "start_mb": before,
    }


def prepared(home: str, n: int) -> dict:
    """A project of n accepted pairs to export."""
    from cod_core.workspace import Workspace

    w = Workspace(home)
    known = next((p.id for p in w.projects() if p.name == f"Export {n}"), None)
    return {"pid": known or fill(w, n, proposals=1, decided=1.0, name=f"Export {n}", rejects=False)}


def exporting(home: str, n: int) -> dict:
    """Seconds and peak memory of writing the bundle of n decided pairs."""
    from cod_core.workspace import Workspace

    w = Workspace(home)
    pid = next(p.id for p in w.projects() if p.name == f"Export {n}")
    path, before, seen = Path(home) / f"export-{n}.zip", peak(), []
    start, used = time.perf_counter(), time.process_time()
    manifest = w.project(pid).exports.write(path, progress=lambda done, total, message="": seen.append(done))
    seconds, used = time.perf_counter() - start, time.process_time() - used
    return {
        "rows": n,
        "pairs": manifest["counts"]["exported"],
        "seconds": round(seconds, 1),
        "processor_s": round(used, 1),
        "progress_reports": len(seen),
        "zip_mb": round(path.stat().st_size / 2**20, 1),
        "peak_mb": peak(),
        "start_mb": before,
    }


STEPS = {"pages": pages, "import": importing, "export": exporting, "prepare": prepared}


def alone(step: str, home: str, n: int, *options: str) -> dict:
    """One step in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", "from benchmarks.scale import main; main()", "--home", home, "--only", step, "--n", str(n), *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(done.stderr[-2000:] + done.stdout[-2000:])
    return json.loads(done.stdout.strip().splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--home", default="/tmp/cod-scale")
    parser.add_argument("--parts", default="pages,import,export")
    parser.add_argument("--texts", type=int, default=10_000)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--small", action="store_true", help="a quarter of the work of places")
    parser.add_argument("--again", action="store_true", help="places, growth: measure what is known, too")
    parser.add_argument("--works", default="", help="places, growth: only these works, by name, with semicolons")
    parser.add_argument("--growth", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--only", help=argparse.SUPPRESS)
    parser.add_argument("--n", type=int, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.only:
        from benchmarks import growth

        steps = {name: step for name, (_, step) in growth.STEPS.items()} if chosen.growth else STEPS
        print(json.dumps(steps[chosen.only](chosen.home, chosen.n)), flush=True)
        os._exit(0)  # threads of the pages would keep the process alive
    only = [name for name in chosen.works.split(";") if name]
    Path(chosen.home).mkdir(parents=True, exist_ok=True)
    out = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    for part in chosen.parts.split(","):
        if part == "places":
            from benchmarks import places

            places.run(chosen.small, chosen.again, only, RESULTS.with_name("places.json"))
            continue
        elif part == "growth":
            from benchmarks import growth

            growth.run(chosen.home, only, chosen.again)
            continue
        elif part == "pages":
            out["pages"] = alone("pages", chosen.home, chosen.texts)
        else:
            out[part] = []
            for n in (chosen.rows // 4, chosen.rows):
                if part == "export":
                    alone("prepare", chosen.home, n)
                out[part].append(alone(part, chosen.home, n))
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(json.dumps(out, indent=1) + "\n")
        print(part, json.dumps(out[part]), flush=True)


if __name__ == "__main__":
    main()
