"""The student to take home on each task, beside its teacher: what each ingredient brings, how good it is, how large, how quick.

    python -m benchmarks.product [TASK...] --home FOLDER        (python -m benchmarks.held TASK... --home FOLDER comes first)
    python -m benchmarks.product [TASK...] --home FOLDER --pack     afterwards: as ONNX, and how quick; on a machine at rest

all: every training text has its label. hundred: a project of 100 labelled texts of the same task, those that have a counterfactual
first, whose other texts (LEFT at most) have no label; the same teacher. In both the app's own verb makes the quick student and the one
that development rows choose among the three kinds, and scores it once on test texts that neither it nor its teacher learnt from. What
an ingredient brings is measured on development rows: added in the app's order, and left out of everything. Resumable; leaves
benchmarks/results/product.json.
"""

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import held
from benchmarks.cells import RESULTS, keep
from cod_core.data.draws import order_rows
from cod_core.data.tables import read_table
from cod_core.diagnostics.fidelity import fidelity
from cod_core.distill.arms import TrainRow
from cod_core.distill.kinds import LINEAR
from cod_core.distill.linear import fit_linear_batch, linear_logits
from cod_core.distill.prior import folded, label_directions, label_sentences, widened
from cod_core.distill.settings import StudentSettings
from cod_core.distill.softlabels import overruled
from cod_core.distill.take_home import BEST, Everything, Made, TakeHome, best_of, settings_of, softened
from cod_core.errors import CodError
from cod_core.models.encoder import DEFAULT_ENCODER
from cod_core.project.project import Project
from cod_core.store import items
from cod_core.types import Example
from cod_core.workspace import Workspace

PATH = RESULTS / "product.json"
HUNDRED, LEFT = 100, 2000
SCENARIOS = ("all", "hundred")
AS_COMPARED = StudentSettings(LINEAR.name)
FORMS = {"student.onnx": "fp32", "student-int8.onnx": "int8"}
Found = dict[str, Any]


# ------------------------------------------------------------ projects


def of_task(w: Workspace, name: str, scenario: str) -> Project:
    """The task's project, or the one of a hundred labelled texts, made on the first call."""
    whole = w.project(held.project(w, name))
    return whole if scenario == "all" else w.project(_hundred(w, whole))


def _hundred(w: Workspace, whole: Project) -> str:
    title = f"{whole.row.name}, {HUNDRED} labelled"
    found = next((p for p in w.projects() if p.name == title), None)
    if found is not None:
        return found.id
    pool, labels = whole.texts.pool(), list(whole.row.task.labels)
    fair, _ = whole.draws.fair(whole.pairs.kept())
    order = order_rows(list(pool.values()), labels, 0)
    each = HUNDRED // len(labels)
    labelled = [
        i
        for label in labels
        for i in sorted((i for i in order if pool[i].label == label), key=lambda i: i not in fair)[:each]  # stable: the draw's order
    ]
    free = [i for i in order_rows(list(pool.values()), labels, 1) if i not in set(labelled)][:LEFT]
    pid = w.create_project(title, whole.row.task)
    items.add_examples(w.db, pid, [pool[i] for i in labelled])
    items.add_examples(w.db, pid, [Example(i, pool[i].text, None, "unlabelled") for i in free])
    for split in ("validation", "test"):
        items.add_examples(w.db, pid, whole.texts.examples(split))
    room, choice = w.project(pid), whole.teacher.choice()
    if choice is None:
        raise CodError(f"{whole.row.name} has no teacher.")
    room.teacher.choose(choice)
    rows = [(pool[i].text, fair[i][0].text) for i in labelled if i in fair]
    lines = ["original\tcounterfactual", *("\t".join(text.replace("\t", " ") for text in pair) for pair in rows)]
    report = room.proposals.import_counterfactuals(read_table("pairs.tsv", "\n".join(lines).encode()), name="pairs")
    print(title, len(labelled), "labelled", len(free), "not", report.added, "pairs", report.flipped, "flip", flush=True)
    room.curation.accept_unattended()
    return pid


# ------------------------------------------------------------ measuring


def measured(project: Project, before: Found | None = None) -> Found:
    """The quick student, the chosen one and the teacher. before: what was measured with other settings of the quick student: the other
    kinds, which they do not touch, stand as they are there."""
    quick = Made.of(project.product.make(TakeHome()), False)
    ingredients = {one.name: {"rows": one.rows, "dev": _round(one.dev)} for one in quick.ingredients if one.rows}
    brought = on_development_rows(project)
    made = next(one.dev for one in reversed(quick.ingredients) if one.rows)
    if made is not None and abs(brought["everything"] - made) > 0.01:
        raise CodError(f"{project.row.name}: made by hand the student has {brought['everything']} on development rows, by the verb {made}.")
    test = project.texts.examples("test")
    teacher = project.teacher.classifier().logprobs([e.text for e in test])
    mine = {"run": quick.run_id, **figures(project, quick.run_id, test, teacher)}
    kinds = {**before["kinds"], LINEAR.name: _round(made)} if before else {}
    if before and best_of(kinds) in (LINEAR.name, before["chosen"]["kind"]):
        chosen = {"kind": LINEAR.name, **mine} if best_of(kinds) == LINEAR.name else before["chosen"]
    else:
        best = Made.of(project.product.make(TakeHome(BEST)), False)
        kinds = {kind: _round(share) for kind, share in best.chosen_from.items()}
        chosen = {"kind": best.student, "run": best.run_id, **figures(project, best.run_id, test, teacher)}
    return {
        "n_dev": quick.n_dev,
        "n_test": len(test),
        "classes": len(project.row.task.labels),
        "ingredients": ingredients,
        "development": brought,
        "kinds": kinds,
        "quick": mine,
        "chosen": chosen,
        "teacher": _of_teacher(project, test, teacher),
    }


def _round(share: float | None) -> float | None:
    return None if share is None else round(share, 4)


def figures(project: Project, run_id: str, test: list[Example], teacher: np.ndarray) -> Found:
    return scored(project, project.store.load(run_id).logprobs([e.text for e in test]), test, teacher)


def scored(project: Project, told: np.ndarray, test: list[Example], teacher: np.ndarray) -> Found:
    """Accuracy, macro-F1, MCC, calibration error and agreement with the teacher of log-probabilities on the test texts."""
    gold = [list(project.row.task.labels).index(str(e.label)) for e in test]
    found = fidelity(teacher, told, gold, resamples=0)
    if found.student is None:
        raise CodError("The test texts have no labels.")
    of = found.student
    return {
        "accuracy": _round(of.accuracy.value),
        "macro_f1": _round(of.macro_f1),
        "mcc": _round(of.mcc),
        "ece": _round(of.ece),
        "agreement": _round(found.agreement.value),
    }


def _of_teacher(project: Project, test: list[Example], teacher: np.ndarray) -> Found:
    return {key: value for key, value in scored(project, teacher, test, teacher).items() if key != "agreement"}


def on_development_rows(project: Project) -> dict[str, float]:
    """Share right of development rows: of the quick student of everything, without each ingredient, without soft labels, with the names of
    the labels, and as the comparison has it: read after the last layer, penalty 2."""
    there, dev = project.product.learnt_from(), [e for e in project.texts.examples("validation") if e.label is not None]
    names = [name for name, rows in there.rows.items() if rows]
    parts: dict[str, list[TrainRow]] = {"everything": there.upto(names[-1])}
    parts |= {f"without {name}": [row for other in names if other != name for row in there.rows[other]] for name in names}
    out = {called: right(project, there, rows, dev) for called, rows in parts.items() if rows}
    every = parts["everything"]
    out["no soft labels"] = right(project, there, every, dev, kd_weight=0.0)
    out["names of the labels"] = right(project, there, every, dev, names=1.5)
    out["last layer, penalty 2"] = right(project, there, every, dev, AS_COMPARED)
    return out


def right(
    project: Project,
    there: Everything,
    rows: list[TrainRow],
    dev: list[Example],
    made: StudentSettings = settings_of(LINEAR.name),
    names: float = 0.0,
    kd_weight: float = 20.0,
) -> float:
    """Share of development rows that the quick student of these rows is right on. made: encoder and penalty."""
    read, labels = project.models.encoder(made.encoder or DEFAULT_ENCODER).encode, list(project.row.task.labels)
    x = read([row.text for row in rows]).astype(np.float64)
    hard = np.array([labels.index(row.label) for row in rows])
    soft = overruled(project.teacher.classifier().logprobs, softened(there, labels))([row.text for row in rows])
    toward = label_directions(read(label_sentences(labels))) if names else np.zeros((x.shape[-1], 0))
    weight, bias = fit_linear_batch(
        (widened(x, toward, names) if names else x)[None],
        np.ones((1, len(x))),
        hard[None],
        soft[None],
        kd_weight=kd_weight,
        **({} if made.l2 is None else {"l2": made.l2}),
    )
    weight = folded(weight, toward, names) if names else weight
    told = linear_logits(read([e.text for e in dev]).astype(np.float64), weight[0], bias[0]).argmax(-1)
    return round(float((told == [labels.index(str(e.label)) for e in dev]).mean()), 4)


def packed(project: Project, found: Mapping[str, Any]) -> Found:
    """The quick and the chosen student as ONNX: bytes, milliseconds, and figures of the small form on the test texts."""
    from cod_core.export.onnx import INT8, reader

    test, out = project.texts.examples("test"), {}
    teacher = project.teacher.classifier().logprobs([e.text for e in test])
    for which in ("quick", "chosen"):
        run_id = found[which]["run"]
        if which == "chosen" and run_id == found["quick"]["run"]:
            continue
        pack = project.package.pack(run_id)
        told = reader(project.place.folder("exports") / run_id, INT8)([e.text for e in test])
        forms = {
            FORMS.get(m["name"], m["name"]): {key: m[key] for key in ("bytes", "latency_ms", "texts_a_second")} for m in pack["measured"]
        }
        beside = pack["teacher"] and {key: pack["teacher"][key] for key in ("bytes", "latency_ms", "texts_a_second")}
        out[which] = {"forms": forms, "int8": scored(project, told, test, teacher), "teacher": beside}
    return out


def record() -> Found:
    return json.loads(PATH.read_text(encoding="utf-8")) if PATH.exists() else {}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tasks", nargs="*", default=held.NAMES)
    parser.add_argument("--home", required=True)
    parser.add_argument("--scenario", nargs="+", choices=SCENARIOS, default=SCENARIOS)
    parser.add_argument("--pack", action="store_true", help="as ONNX, and how quick, of what is on record")
    parser.add_argument("--quick", action="store_true", help="again, where the settings of the quick student are others now")
    chosen = parser.parse_args()
    w = Workspace(Path(chosen.home))
    for name in chosen.tasks:
        for scenario in chosen.scenario:
            found = record().get(name, {}).get(scenario)
            if not _wanted(found, chosen):
                continue
            room = of_task(w, name, scenario)
            new = {**found, "packed": packed(room, found)} if chosen.pack and found else measured(room, found)
            keep(PATH, name, {**record().get(name, {}), scenario: new})
            print(name, scenario, json.dumps(new), flush=True)


def _wanted(found: Found | None, chosen: argparse.Namespace) -> bool:
    """Whether there is something to measure: anew, as ONNX, or with the settings of now."""
    if chosen.pack:
        return found is not None and "packed" not in found
    return found is None or chosen.quick and "last layer, penalty 2" not in found["development"]


if __name__ == "__main__":
    main()
