"""The tables of docs/experiments/ and docs/scale.md that come from a JSON of benchmarks/results, built from it again.

    python -m benchmarks.tables            which tables are not as their JSON says
    python -m benchmarks.tables --write    writes them into the pages, in the place of the table that is most like it

A test holds the pages to it (tests/unit/test_experiments.py), and names the tables that no JSON is kept of. Measures nothing.
"""

import argparse
from collections.abc import Callable, Iterable, Iterator, Mapping
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

from benchmarks import (
    blind_tables,
    curation_tables,
    home_tables,
    load_tables,
    sample_tables,
    scale_tables,
    teachers,
    warn_tables,
    ways_tables,
)
from benchmarks.cells import KS, Lines, effect, gain, head, part, read, row, spaced, spread, whole

ROOT = Path(__file__).parents[1]
PAGES = ROOT / "docs" / "experiments"
NAMES = {"movies": "movies", "amazon": "Amazon", "tweets": "tweets", "sst2": "SST-2", "agnews": "AG News", "cola": "CoLA, MCC"}
_TRAINED = {"fine-tuned": "finetuned", "contrastive": "contrastive"}
FOUR = ("sst2", "movies", "amazon", "tweets")


# ------------------------------------------------------------ what counterfactuals buy


def grid() -> Lines:
    ks = (8, 16, 32, 64, 128, 256, 512)
    arms = {
        "linear kd": "KD",
        "linear cod": "CoD",
        "linear cod share 0.125": "CoD, an eighth counterfactuals",
        "linear cod_plus": "cod_plus",
    }
    lines = head("task", "arm", "k=8", *map(str, ks[1:]))
    for task, name in NAMES.items():
        cells, measure = read(f"paper/{task}")["cells"], "test_mcc" if task == "cola" else "test_accuracy"
        for arm, called in arms.items():
            if (arm.endswith("0.125") and task in ("movies", "tweets")) or (arm == "linear cod_plus" and task == "cola"):
                continue
            found = [
                part(cells[arm][str(k)][measure]) if str(k) in cells[arm] and not (arm == "linear cod_plus" and k > 64) else "" for k in ks
            ]
            called = "cod_plus, at its real rows" if (task, called) == ("movies", "cod_plus") else called
            lines.append(row(name if arm == "linear kd" else "", called, *found))
    return lines


def effects_of_the_grid() -> Lines:
    lines = head("task", "k = 8", "16", "32")
    for task, name in NAMES.items():
        found = {e["k"]: e for e in read(f"paper/{task}")["effects"] if e["variant"] == "linear cod" and e["kind"] == "cod"}
        if task == "cola":
            lines.append(row(name, *(gain(found[k]["mcc"]) for k in KS)))
            name = "CoLA, accuracy"
        lines.append(row(name, *(effect(found[k]) for k in KS)))
    return lines


def four_tasks() -> Lines:
    lines = head("task (teacher, test rows)", "KD", "CoD", "cod_plus, k real + k CFEs", "CoD - KD")
    for task in ("movies", "amazon", "tweets", "sst2"):
        found = read("accuracy")[task]
        name = "SST-2, search/2" if task == "sst2" else NAMES[task]
        arms = (spaced(found["arms"], arm, of="mean") for arm in ("kd", "cod", "cod_plus"))
        apart = ", ".join(spread(e["mean"], e["low"], e["high"], whole) for e in found["effects"])
        lines.append(row(f"{name} ({found['teacher_accuracy']:.3f}, {found['n_test']:,})", *arms, apart))
    return lines


# ------------------------------------------------------------ names of the labels, topics and classes


def label_names() -> Lines:
    lines = head("task", "plain", "names", "names, layers 4 and 6", "CoD - KD of the last")
    for task in FOUR:
        found = read(f"students/{task}")
        pairs = [
            f"{spaced(found['cells'], f'{student} kd')} / {spaced(found['cells'], f'{student} cod')}"
            for student in ("linear", "linear+names1.5", "linear@4,6+names1.5")
        ]
        last = [e for e in found["effects"] if e["variant"] == "linear@4,6+names1.5 cod" and e["kind"] == "cod"]
        if task == "sst2":  # the goal was one of this row
            pairs[2] = "{} / **{}**".format(*pairs[2].split(" / "))
        lines.append(row(NAMES[task], *pairs, " ".join(gain(e["mean"]) for e in sorted(last, key=lambda e: e["k"]))))
    return lines


def aims() -> Lines:
    accuracy, both = read("accuracy"), read("classes")["news"]
    lines = head("which class the one counterfactual of a text has", "KD", "CoD", "CoD - KD, 95 % interval")
    for name, arms, effects in (
        ("the teacher's nearest", *(accuracy["news nearest"][of] for of in ("arms", "effects"))),
        ("each other class in turn (the default now)", *(accuracy["news in turn"][of] for of in ("arms", "effects"))),
        ("in turn, shared by a second judge, both .95 sure", *(accuracy["news second judge"][of] for of in ("arms", "effects"))),
        ("both searched, the flip with fewest edits", both["arms"], both["effects"]),
    ):
        lines.append(row(name, spaced(arms, "kd", of="mean"), spaced(arms, "cod", of="mean"), ", ".join(map(effect, effects))))
    every = both["arms"]
    lines.append(row("both, k/3 + 2k/3 (cod_all)", spaced(every, "kd", of="mean"), spaced(every, "cod_all", of="mean"), ""))
    return lines


# ------------------------------------------------------------ students that are trained


def apart(found: Mapping[str, Any], kd: str, other: str, k: int) -> str:
    """What a variant has over KD at k: with its interval where one is kept, else the difference of the means; '' where not run."""
    for e in found["effects"]:
        if (e["variant"], e["k"]) == (other, k):
            return f"**{effect(e)}**" if e["high"] < 0 else effect(e)
    cells = found["cells"]
    if str(k) not in cells.get(other, {}):
        return ""
    return gain(round(cells[other][str(k)]["test_accuracy"] - cells[kd][str(k)]["test_accuracy"], 4))


def trained() -> Lines:
    lines = head("task, student", "arm", "k = 8", "16", "32")
    rows = [(task, name, f"{kind} {{}}") for name, kind in _TRAINED.items() for task in ("sst2", "tweets", "movies")]
    rows += [
        ("sst2", f"{name}, all layers", f"finetuned {{}} {m}") for name, m in (("LWD", "lwd"), ("fine-tuned", "all layers"), ("TED", "ted"))
    ]
    for task, called, variant in rows:
        found, (kd, cod) = read(f"trained/{task}"), (variant.format(arm) for arm in ("kd", "cod"))
        right = {k: [part(found["cells"][arm][str(k)]["test_accuracy"]) for arm in (kd, cod)] for k in KS if str(k) in found["cells"][cod]}
        lines.append(row(f"{NAMES[task]}, {called}", "KD / CoD", *(" / ".join(right.get(k, ())) for k in KS)))
        lines.append(row("", "CoD - KD", *(apart(found, kd, cod, k) for k in KS)))
    return lines


def trained_large() -> Lines:
    ks, found = (64, 128, 256, 512), read("trained/sst2")
    lines = head("student", "arm", *(f"k = {k}" if k == 64 else str(k) for k in ks))
    for called, student in _TRAINED.items():
        kd, cod = f"{student} kd", f"{student} cod"
        lines.append(row(called, "KD", *(part(found["cells"][kd][str(k)]["test_accuracy"]) for k in ks)))
        lines.append(row("", "CoD - KD, half counterfactuals", *(apart(found, kd, cod, k) for k in ks)))
        lines.append(row("", "an eighth", *(apart(found, kd, f"{cod} share 0.125", k) for k in ks)))
    return lines


# ------------------------------------------------------------ language models


def llm_student(task: str) -> Callable[[], Lines]:
    arms = {
        "sst2": ("CoD, first reply of the local model, unverified", "CoD, its replies that flip"),
        "agnews": ("CoD, unverified replies", "CoD, replies that flip"),
    }[task]
    apart = {"search - kd": "search - KD", "search - llm_unverified": "search - unverified", "llm_unverified - kd": "unverified - KD"}
    apart["llm_verified - llm_unverified"] = "verified - unverified"

    def lines() -> Lines:
        found = read("llm_student")[task]
        called = dict(zip(("kd", "search", "llm_unverified", "llm_verified"), ("KD, k real rows", "CoD, search", *arms)))
        made = head("arm", "k=8", "16", "32")
        made += [row(name, *(part(found["accuracy"][arm][str(k)]) for k in KS)) for arm, name in called.items()]
        shown = list(apart.items())[1 if task == "sst2" else 0 :]
        return made + [row(name, *(spread(*found["differences"][key][str(k)]) for k in KS)) for key, name in shown]

    return lines


def answers() -> Lines:
    lines = head("prompt", "answer", "edit", "answer then", "shift")
    for found in read("generative"):
        for edit in found["edits"][:2]:
            note = edit["note"].partition(" (")[0]
            lines.append(row(found["prompt"], found["answer"], note, edit["answer"], f"{edit['shift']:.2f}"))
    return lines


def refined() -> Lines:
    found = read("refinement")["SmolLM2-135M-Instruct.Q4_1.gguf"]["movies"]
    lines = head("rounds", "flip the teacher", "and read well", "s that the round took")
    return [
        *lines,
        *(row(r["rounds"], *(f"{r[n]} of {found['texts']}" for n in ("flip", "read_well")), round(r["seconds"])) for r in found["rounds"]),
    ]


# ------------------------------------------------------------ lines, speed, scale


def crossing(tasks: Mapping[str, str], top: Lines) -> Callable[[], Lines]:
    def lines() -> Lines:
        made = list(top)
        for task, name in tasks.items():
            for k in KS:
                found = read("boundary")[task][str(k)]
                kd, cod = (found["arms"][arm] for arm in ("kd", "cod"))
                apart = spread(*(found["effect"][p] for p in ("mean", "low", "high")), show=whole)
                ends = f"{part(1 - kd['censored'])} / {part(1 - cod['censored'])}"
                made.append(row(name if k == 8 else "", k, part(kd["mean"]), part(cod["mean"]), apart, ends))
        return made

    return lines


def pages() -> Lines:
    found, lines = read("scale")["pages"], head("", "clock, median (largest)", "processor")
    for name, key in (
        ("a decision and the next card, whole page", "card_change"),
        ("next page of the table", "table_page"),
        ("another filter of the table", "table_filter"),
        ("first look after a start", "first_look"),
    ):
        of, digits = found[key], 2 if found[key]["n"] > 1 else 1
        most = f" ({part(of['max_s'], 2)})" if of["n"] > 1 else ""
        lines.append(row(name, f"{part(of['median_s'], digits)} s{most}", f"{part(of['median_processor_s'], digits)} s"))
    return lines


def files() -> Lines:
    lines = head("file, 100,000 rows", "clock", "processor", "progress reports", "most memory (25,000 rows)")
    for what, kind, size, digits in (
        ("import of a CSV ({} MB), checked, split, stored", "import", "file_mb", 1),
        ("export of the bundle, every row a pair ({} MB zip), machine at rest", "export", "zip_mb", 0),
    ):
        small, large = read("scale")[kind]
        memory = f"{large['peak_mb']} MB ({small['peak_mb']})"
        times = (f"{large[key]:.{digits}f} s" for key in ("seconds", "processor_s"))
        lines.append(row(what.format(large[size]), *times, large["progress_reports"], memory))
    return lines


def finetuned_speed() -> Lines:
    found = read("speed_students")["finetuned"]
    theirs, ours = found["reference_s_a_cell"], found["ours_s_a_cell"]
    training = theirs["training"] / found["training_ratio"]
    every = sum(theirs.values())
    lines = head("CPU seconds a cell", f"reference ({found['reference_cells']} cells)", f"here ({found['cells']} cells)")
    lines.append(row("training", f"{theirs['training']:.1f}", f"{training:.1f}"))
    lines.append(row("development rows every epoch", f"{theirs['development rows']:.1f}", "none: nothing is chosen by epoch"))
    lines.append(row("test rows and what cells share", f"{theirs['test rows']:.1f}", f"{ours - training:.1f}"))
    last = f"{ours:.1f}: **{found['ratio']} times** (training alone **{found['training_ratio']}**)"
    return [*lines, row("all", f"{every:.1f}", last)]


# ------------------------------------------------------------ rows of tables that no JSON is kept of as a whole


def topics_in_turn() -> Lines:
    found, theirs = read("accuracy")["agnews second judge"], read("sources/agnews-gpt4o")["effects"]
    kd, cod = (row(name, *(part(found["arms"][arm][str(k)]["mean"]) for k in KS)) for name, arm in (("KD", "kd"), ("CoD", "cod")))
    rewrites = [e for e in theirs if e["variant"] == "linear cod" and e["kind"] == "cod" and e["k"] in KS]
    return [
        kd,
        cod,
        row("CoD - KD, 95 % interval", *map(effect, found["effects"])),
        row("GPT-4o's rewrites, balanced targets", *map(effect, rewrites)),
    ]


def setfit() -> Lines:
    return [row("SetFit", *(part(sum(draws.values()) / len(draws)) for draws in read("setfit").values()))]


def _both(found: Mapping[str, float]) -> str:
    error = part(1.96 * found["standard error"], 4)
    return f"{part(found['as it came'])}, {part(found['calibrated'])}, {part(found['difference'], 4)} ± {error}"


def soft_labels() -> Lines:
    """Students of the teacher as it came and calibrated, on development rows and test rows."""
    lines = head(
        "sample, temperature", "k a label", "development: as it came, calibrated, difference", "test: as it came, calibrated, difference"
    )
    for name, found in read("soft_labels").items():
        for k in ("4", "8", "16"):
            lines.append(row(f"{name}, {found['temperature']:.2f}", k, *(_both(found[k][split]) for split in ("development", "test"))))
    return lines


def teachers_table() -> Lines:
    return teachers.table(read("teachers")).splitlines()


ROWS: dict[str, tuple[str, Callable[[], Lines]]] = {
    "topics, targets in turn": ("topics-and-classes.md", topics_in_turn),
    "SetFit": ("label-names.md", setfit),
}
"""name -> (page, what builds the rows that have a JSON)."""

_GAPS = head("task", "k", "KD", "CoD", "CoD - KD", "both ends right, KD / CoD")
_TOPICS = {"agnews": "AG News, GPT-4o's rewrites", "agnews, counterfactuals by search": "AG News, by search"}
TABLES: dict[str, tuple[str, Callable[[], Lines]]] = {
    "the paper's grid": ("what-counterfactuals-buy.md", grid),
    "CoD - KD of the grid": ("what-counterfactuals-buy.md", effects_of_the_grid),
    "four tasks": ("what-counterfactuals-buy.md", four_tasks),
    "names of the labels": ("label-names.md", label_names),
    "which class to aim at": ("topics-and-classes.md", aims),
    "trained students": ("trained-students.md", trained),
    "trained students, large k": ("trained-students.md", trained_large),
    "a local model's replies": ("language-models.md", llm_student("sst2")),
    "GPT-4o's replies": ("language-models.md", llm_student("agnews")),
    "a generative task": ("language-models.md", answers),
    "read blind": ("read-blind.md", blind_tables.read_blind),
    "read blind, again": ("read-blind.md", blind_tables.read_again("second", "clinc20", "incidents")),
    "topics and long reviews read blind": ("read-blind.md", blind_tables.read_again("topics", "agnews", "imdb")),
    "fresh texts read blind": ("read-blind.md", blind_tables.read_again("joints", "clinc20", "incidents")),
    "read blind with frames kept": ("read-blind.md", blind_tables.read_again("frames", "clinc20", "incidents", "sst5")),
    "read blind by whole sentences": ("read-blind.md", blind_tables.read_again("sentences", "clinc20", "incidents")),
    "rounds of refinement": ("language-models.md", refined),
    "crossing gaps": ("where-the-lines-lie.md", crossing({"movies": "movies", "sst2": "SST-2"}, _GAPS)),
    "crossing gaps of topics": ("where-the-lines-lie.md", crossing(_TOPICS, [])),
    "teachers": ("teachers.md", teachers_table),
    "soft labels": ("teachers.md", soft_labels),
    "the demo": ("what-counterfactuals-buy.md", sample_tables.demo),
    "two moons": ("where-the-lines-lie.md", sample_tables.moons),
    "worth of a counterfactual": ("worth.md", sample_tables.worth),
    "which text next": ("worth.md", curation_tables.next_text),
    "does curation pay": ("worth.md", curation_tables.pays),
    "what judged proposals teach": ("read-blind.md", curation_tables.teaches),
    "built-in teachers": ("teachers.md", sample_tables.builtin_teachers),
    "label repair": ("teachers.md", sample_tables.repaired),
    "kills at random moments": ("speed-and-scale.md", sample_tables.faults),
    "ten people at once": ("speed-and-scale.md", load_tables.at_once),
    "the first proposal": ("speed-and-scale.md", load_tables.first),
    "pages of 10,000 texts": ("speed-and-scale.md", pages),
    "files of 100,000 rows": ("speed-and-scale.md", files),
    "fine-tuned students": ("speed-and-scale.md", finetuned_speed),
    "the same number of rows": (ways_tables.PAGE, ways_tables.rows_alike),
    "every task": (ways_tables.PAGE, ways_tables.every_task),
    "beside SetFit": (ways_tables.PAGE, ways_tables.beside_setfit),
    "many rows, chosen": (ways_tables.PAGE, ways_tables.many_rows),
    "the same minutes": (ways_tables.PAGE, ways_tables.same_minutes),
    "texts without a label": (ways_tables.PAGE, ways_tables.texts_without_labels),
    "counterfactuals on top": (ways_tables.PAGE, ways_tables.on_top),
    "a free draw": (ways_tables.PAGE, ways_tables.free_draw),
    "teachers and all their labels": (ways_tables.PAGE, ways_tables.ceilings),
    "where they do not help": (warn_tables.PAGE, warn_tables.what_is_so),
    "the rule that warns": (warn_tables.PAGE, warn_tables.the_rule),
    "other rules that warn": (warn_tables.PAGE, warn_tables.rules),
    "why they do not help": (warn_tables.PAGE, warn_tables.why),
    "settings": (home_tables.SETTINGS, home_tables.settings),
    "present settings": (home_tables.SETTINGS, home_tables.present),
    "settings on test rows": (home_tables.SETTINGS, home_tables.confirmed),
    "the student to take home": (home_tables.PAGE, home_tables.take_home),
    "what each ingredient added": (home_tables.PAGE, home_tables.added),
    "each ingredient left out": (home_tables.PAGE, home_tables.left_out),
    "the student as ONNX": (home_tables.PAGE, home_tables.packed),
    **scale_tables.TABLES,
}
"""name -> (page, what builds it)."""


def tables_of(page: Path) -> Iterator[tuple[int, Lines]]:
    """(index of its first line, lines) of every table of a page."""
    start, found = 0, []
    for i, line in enumerate([*page.read_text(encoding="utf-8").splitlines(), ""]):
        if line.startswith("|"):
            start, found = (start, [*found, line]) if found else (i, [line])
        elif found:
            yield start, found
            found = []


def main(write: bool) -> Iterable[str]:
    """The names of the tables that are not as their JSON says; writes them where asked to."""
    for name, (page, build) in TABLES.items():
        path, made = PAGES / page, build()
        there = list(tables_of(path))
        if made in [lines for _, lines in there]:
            continue
        yield name
        if write:
            start, old = max(there, key=lambda found: SequenceMatcher(None, "\n".join(found[1]), "\n".join(made)).ratio())
            lines = path.read_text(encoding="utf-8").splitlines()
            lines[start : start + len(old)] = made
            path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    for name, (page, build) in ROWS.items():
        if not set(build()) <= {line for _, lines in tables_of(PAGES / page) for line in lines}:
            yield f"{name} (rows; to be written by hand)"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true")
    wrong = list(main(parser.parse_args().write))
    print("\n".join(wrong) or f"All {len(TABLES)} tables are as their JSON says.")
    raise SystemExit(bool(wrong))
