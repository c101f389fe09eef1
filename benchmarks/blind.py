"""First offers of the earlier default and of the present one, for a reader who does not know which is which.

    python -m benchmarks.blind offers TASK [--texts 30] [--draw 20] [--only new|old] --home FOLDER --out FOLDER
    python -m benchmarks.blind files --out FOLDER
    python -m benchmarks.blind marks MARKS.tsv --out FOLDER [--keep third --reader "who read"]
    python -m benchmarks.blind examples > docs/experiments/read-blind-examples.md

`offers` proposes for the same random training texts in both ways and keeps the first offer of each (OUT/TASK.json). `files`
writes OUT/TASK.tsv for the reader: id, original, original label, proposed label, proposal, in random order and without the
source; OUT/key.json says which is which. `marks` reads a table with the columns id, label (is the new label right for a human
reader), fluent, same (was nothing else changed), each 1 or 0, and prints a task's share accepted by source with its interval; --keep adds
them under that name to benchmarks/results/blind_reading.json. `examples` writes up to ten accepted and ten refused judged proposals a
task (earlier ones where there are no others), with their originals from COD_DATA.

Earlier: single changed words that flip the teacher; with more than three labels, sure of .95 and shared by a second judge
where there are texts enough for one. Present: what independent judges accept, the source chosen by a trial.
"""

import argparse
import csv
import json
import random
import time
from pathlib import Path

import numpy as np

from benchmarks import held, tasks
from cod_core.counterfactuals import verify
from cod_core.counterfactuals.options import SearchOptions
from cod_core.errors import NotEnoughData
from cod_core.store import items
from cod_core.text import diff, edit_fraction, short_hash
from cod_core.workspace import Workspace

SMALL = {"sst2": 1500, "sst5": 1500, "agnews": 1200, "imdb": 600}
RESULTS = Path(__file__).parent / "results" / "blind_reading.json"
COLUMNS = ("id", "original", "original label", "proposed label", "proposal")


def project_of(w: Workspace, task: str) -> str:
    """The task's project with its teacher: trained on its texts by the app's own trainer, of films built in. In a data folder of
    benchmarks/held.py the one that is there, whose teacher saw none of its texts."""
    if any(p.name == f"{task}, taught" for p in w.projects()):
        return held.project(w, task)
    return tasks.small(w, task, SMALL[task]) if task in SMALL else tasks.project(w, task)


def drawn(w: Workspace, pid: str, n: int, words: tuple[int, int], draw: int = 20):
    """n random training texts that the teacher sees as they are labelled, of so many words. draw: the seed."""
    rows = sorted(items.examples(w.db, pid, split="train"), key=lambda e: e.id)
    random.Random(draw).shuffle(rows)
    teacher, out = w.project(pid).teacher, []
    for example in rows:
        if words[0] <= len(example.text.split()) <= words[1] and teacher.before(example).label == example.label:
            out.append(example)
        if len(out) == n:
            break
    return out


def earlier_options(w: Workspace, pid: str) -> SearchOptions:
    """What the page chose before: clear changes where there are more than three labels and texts enough."""
    labels, (_, n) = w.project(pid).row.task.labels, w.project(pid).searcher.surrogate_learns_from()
    return SearchOptions().clear() if len(labels) > 3 and n >= 25 * len(labels) else SearchOptions()


def run(w: Workspace, pid: str, texts, options: SearchOptions) -> dict:
    """The first offers, as the Curate page would show them were there no other source; with the seconds of the whole run."""
    project, read = w.project(pid), options.by != "anything"
    project.teacher.classifier()
    begun, cpu = time.monotonic(), time.process_time()
    report = project.offers.run(texts, 4, lambda done, of, what: print(done, of, what, flush=True), options)
    out = {"seconds": round(time.monotonic() - begun, 1), "cpu": round(time.process_time() - cpu, 1), "report": report.to_json()}
    checks, found = project.pairs.state().checks, {}
    for example in texts:
        own = [cf for cf in items.counterfactuals(w.db, pid, [example.id]) if (verify.READ in cf.origin.revision.split()) == read]
        best = next((cf for cf in verify.first_offer(own, checks) if cf.id in checks and checks[cf.id].valid), None)
        if best is not None:
            found[example.id] = {"text": best.text, "target": best.target, "origin": best.origin.name}
    return out | {"offers": found}


def offers(task: str, n: int, home: str, out: Path, draw: int, only: str) -> None:
    """Both ways, or one, on the same texts, kept in OUT/TASK.json."""
    w = Workspace(home)
    pid = project_of(w, task)
    texts = drawn(w, pid, n, (60, 400) if task == "imdb" else (3, 60), draw)
    path = out / f"{task}.json"
    found = json.loads(path.read_text()) if path.exists() else {}
    found["texts"] = {e.id: [e.text, e.label] for e in texts}
    ways = {"new": SearchOptions(by="best"), "old": earlier_options(w, pid)}
    arms = [arm for arm in ways if only in ("", arm)]
    for arm in arms:
        try:
            found[arm] = run(w, pid, texts, ways[arm])
        except NotEnoughData as error:
            found[arm] = {"error": str(error), "offers": {}}
        path.write_text(json.dumps(found, indent=1, ensure_ascii=False))
    for arm in arms:
        shares = [edit_fraction(found["texts"][i][0], o["text"]) for i, o in found[arm]["offers"].items()]
        print(
            task,
            arm,
            len(shares),
            "offers of",
            len(texts),
            "median fraction",
            round(float(np.median(shares)), 3) if shares else None,
            found[arm].get("cpu"),
        )


def files(out: Path) -> None:
    """The readers' files and the key, of all tasks there are."""
    key = {}
    for path in sorted(out.glob("*.json")):
        if path.name == "key.json":
            continue
        kept, rows = json.loads(path.read_text()), []
        for arm in ("new", "old"):
            for i, offer in kept.get(arm, {}).get("offers", {}).items():
                number = short_hash(path.stem, arm, i)[:8]
                key[number] = {"task": path.stem, "arm": arm, "text": i, "origin": offer["origin"]}
                rows.append((number, *kept["texts"][i], offer["target"], offer["text"]))
        random.Random(5).shuffle(rows)
        with open(out / f"{path.stem}.tsv", "w", encoding="utf-8", newline="") as handle:
            csv.writer(handle, delimiter="\t").writerows([COLUMNS, *rows])
    (out / "key.json").write_text(json.dumps(key, indent=1))


def marks(table: Path, out: Path) -> None:
    """Shares accepted (all three marks 1) by task and source, with Wilson's 95 % interval."""
    from scipy.stats import binomtest

    key, tally = json.loads((out / "key.json").read_text()), {}
    with open(table, encoding="utf-8", newline="") as handle:
        for row in csv.DictReader(handle, delimiter="\t"):
            entry = key[row["id"]]
            tally.setdefault((entry["task"], entry["arm"]), []).append(all(row[name] == "1" for name in ("label", "fluent", "same")))
    for (task, arm), found in sorted(tally.items()):
        low, high = binomtest(sum(found), len(found)).proportion_ci(method="wilson")
        print(f"{task:10} {arm:4} {sum(found):3} of {len(found):3}  {np.mean(found):.2f} [{low:.2f}, {high:.2f}]")


def kept(table: Path, out: Path) -> dict:
    """Task -> texts drawn, processor seconds of either way, and every mark with its proposal."""
    key, found = json.loads((out / "key.json").read_text()), {}
    with open(table, encoding="utf-8", newline="") as handle:
        for row in csv.DictReader(handle, delimiter="\t"):
            entry = key[row["id"]]
            drawn = json.loads((out / f"{entry['task']}.json").read_text())
            cpu = {arm: drawn[arm].get("cpu") for arm in ("new", "old") if arm in drawn}
            task = found.setdefault(entry["task"], {"texts": len(drawn["texts"]), "cpu": cpu, "marks": []})
            offer = drawn[entry["arm"]]["offers"][entry["text"]]
            marked = {name: int(row[name]) for name in ("label", "fluent", "same")}
            task["marks"].append(
                {"text": entry["text"], "arm": entry["arm"]}
                | marked
                | {"accepted": int(all(marked.values())), "target": offer["target"], "proposal": offer["text"]}
            )
    return found


def keep(table: Path, out: Path, name: str, reader: str) -> None:
    """Add a reading to the committed ones; its tasks to those that a reading of that name has."""
    whole = json.loads(RESULTS.read_text(encoding="utf-8"))
    before = whole.get(name, {}).get("tasks", {})
    whole[name] = {"reader": reader, "date": time.strftime("%Y-%m-%d"), "tasks": before | kept(table, out)}
    lines = json.dumps(whole, ensure_ascii=False, separators=(",", ":")).replace('{"text":', '\n{"text":')  # a mark a line
    RESULTS.write_text(lines + "\n", encoding="utf-8")


TASKS = {
    "clinc20": "clinc20, 20 intents",
    "incidents": "Incident notes, 3 classes",
    "sst5": "SST-5",
    "sst2": "SST-2",
    "agnews": "AG News, 4 topics",
    "imdb": "IMDB reviews",
}


def examples(most: int = 10) -> None:
    """The page of examples, newest readings first."""
    whole = json.loads(RESULTS.read_text(encoding="utf-8"))
    named = {name: one for name, one in whole.items() if isinstance(one, dict) and "tasks" in one}
    readings = [named[name] for name in ("frames", "sentences", "joints", "topics", "second") if name in named] + [whole]
    print(EXAMPLES_HEAD)
    for task, title in TASKS.items():
        originals = {e.id: e for e in tasks.read(task)}
        marks = [m for r in readings for m in r["tasks"].get(task, {}).get("marks", []) if m["text"] in originals and "proposal" in m]
        judged = [m for m in marks if m["arm"] == "new"] or marks
        print(f"\n## {title}\n")
        if not judged:
            print("The first reading kept no texts, and nobody read this task again.\n")
            continue
        if judged[0]["arm"] == "old":
            print("No judged proposal was offered; these are single changed words.\n")
        for said, wanted in (("Accepted", 1), ("Refused", 0)):
            shown = [m for m in judged if m["accepted"] == wanted][:most]
            print(f"{said}{'' if shown else ': none'}\n")
            for m in shown:
                e = originals[m["text"]]
                missing = [words for key, words in WHY.items() if m.get(key) == 0]
                why = f" ({', '.join(missing)})" if missing else ""
                print(f"- {_cell(e.text)} | {e.label} -> {m['target']}: **{_changed(e.text, m['proposal'])}**{why}")
            print()


WHY = {"label": "label not right", "fluent": "not fluent", "same": "something else changed"}
EXAMPLES_HEAD = """# Proposals that blind readers accepted and refused

Written by `python -m benchmarks.blind examples`: the original, its label and the label aimed at, then the proposal (of a text of more than
240 characters what changed); of refused ones what the reader missed, where three questions were asked. The newest readings come first.
What they amount to: [Would an expert accept what is proposed?](read-blind.md)"""


def _changed(text: str, proposal: str) -> str:
    """The proposal; of a long text the words that changed."""
    if len(text) <= CUT:
        return _cell(proposal)
    return "; ".join(f"“{_cell(e.a_text)}” became “{_cell(e.b_text)}”" for e in diff(text, proposal))


CUT = 240


def _cell(text: str, most: int = CUT) -> str:
    """A text in one line of Markdown, long ones cut."""
    line = " ".join(text.split())
    line = line if len(line) <= most else line[:most] + " …"
    return "".join("\\" + c if c in "*_`[]<>|#&~" else c for c in line)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("offers", "files", "marks", "examples"))
    parser.add_argument("of", nargs="?", default="")
    parser.add_argument("--texts", type=int, default=30)
    parser.add_argument("--draw", type=int, default=20, help="seed of the draw of texts")
    parser.add_argument("--only", default="", choices=("", "new", "old"))
    parser.add_argument("--home", default="")
    parser.add_argument("--out", default="reading")
    parser.add_argument("--keep", default="", help="name of the reading, such as third")
    parser.add_argument("--reader", default="", help="who read, and what they knew")
    chosen = parser.parse_args()
    if chosen.what == "examples":
        examples()
        return
    out = Path(chosen.out)
    out.mkdir(exist_ok=True)
    if chosen.what == "offers":
        offers(chosen.of, chosen.texts, chosen.home, out, chosen.draw, chosen.only)
    elif chosen.what == "files":
        files(out)
    else:
        marks(Path(chosen.of), out)
        if chosen.keep:
            keep(Path(chosen.of), out, chosen.keep, chosen.reader)


if __name__ == "__main__":
    main()
