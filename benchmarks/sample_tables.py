"""Tables of the built-in samples and demonstrations, and of label repair: the demo, two moons, worth, teachers. Built from
benchmarks/results/; benchmarks/tables.py puts them into the pages."""

from benchmarks.cells import TASKS, Lines, head, part, read, row


def demo() -> Lines:
    found = read("demo")["arms"]
    arms = {
        "kd": "KD, k real rows",
        "half": "half, k/2 real rows",
        "cod": "CoD, k/2 real + their k/2 counterfactuals",
        "cod_plus": "cod_plus, k real + their k counterfactuals",
    }
    lines = head("arm", "k=8", "16", "32", "64")
    for arm, name in arms.items():
        lines.append(row(name, *(part(found[arm][k]["mean"]) if k in found[arm] else "" for k in ("8", "16", "32", "64"))))
    return lines


def moons() -> Lines:
    draws = read("moons")
    lines = head("distance to the teacher's boundary", "CoD lower in", "mean, KD", "mean, CoD")
    for key, name in {
        "facing": "Hausdorff where the moons face each other (within .4 of both)",
        "hausdorff": "Hausdorff in the whole window",
        "hd95": "95th percentile, whole window",
        "chamfer": "Chamfer mean, whole window",
    }.items():
        kd, cod = ([draw[f"{key}_{arm}"] for draw in draws] for arm in ("kd", "cod"))
        lower = sum(b < a for a, b in zip(kd, cod))
        lines.append(row(name, f"{lower} of {len(draws)}", part(sum(kd) / len(kd)), part(sum(cod) / len(cod))))
    return lines


def worth() -> Lines:
    found = read("worth")
    lines = head("task, rows", "left out in turn", "rank correlation", "largest error over largest effect")
    for task, sizes in found.items():
        for one in sizes:
            lines.append(row(f"{TASKS[task]}, {one['rows']}", one["left out"], part(one["rank"], 4), f"{100 * one['error']:.1f} %"))
    return lines


def builtin_teachers() -> Lines:
    lines = head("sample", "right on test texts", "test texts")
    samples = {"movies": "movies", "amazon": "Amazon", "tweets": "tweets", "news nearest": "news editorials, three classes"}
    for key, name in samples.items():
        found = read("accuracy")[key]
        lines.append(row(name, part(found["teacher_accuracy"]), f"{found['n_test']:,}"))
    return lines


def repaired() -> Lines:
    lines = head("task, draw", "wrong among the named", "test texts among them", "teacher before", "taught", "on test texts")
    for task, draws in read("repair").items():
        for draw, found in draws.items():
            named = f"{found['wrong_among_named']} of {found['named']}"
            name = TASKS[task]
            right = (part(found["before"]), part(found["after"]), f"{found['judged_on']:,}")
            lines.append(row(f"{name}, {draw}", named, found["test_texts_among_named"], *right))
    return lines


WORK = {
    "import": "import of a file",
    "search": "search, 24 texts",
    "decisions": "decisions",
    "distil": "distil, 60 students",
    "job": "distil, 60 students, as a job",
    "train": "training of a teacher",
    "export": "export, again and again",
    "backup": "backup, again and again",
    "restore": "restore, again and again",
    "migration": "opening an old data folder",
}
KILLED = {
    "sqlite": "the process that works",
    "helper": "a process beside it, of two",
    "dask worker": "a Dask worker, of two",
    "scheduler": "the Dask scheduler",
    "app": "the process that started the job",
    "app and worker": "that process and the job's own",
    "postgresql": "the process, on PostgreSQL",
    "database": "PostgreSQL itself",
}


def faults() -> Lines:
    """kill -9 (PostgreSQL: an immediate stop) by what was killed and the kind of work."""
    found = read("faults")
    left = ("said to be saved and lost", "went on by itself", "said why not", "begun again, ended", "same end")
    lines = head("killed", "work", "kills", "in the middle of it", *left)
    for place, killed in KILLED.items():
        for kind, name in WORK.items():
            kills = [one for one in found if (one["place"], one["kind"]) == (place, kind)]
            if not kills:
                continue
            middle = [one for one in kills if not one["over"]]
            lives = [one for one in middle if "by_itself" in one]
            went_on = (sum(one["by_itself"] for one in lives), sum(one["told"].endswith(".") for one in lives)) if lives else ("", "")
            sums = (sum(one["lost"] for one in kills), *went_on, *(sum(one[key] for one in kills) for key in ("resumed", "same")))
            lines.append(row(killed, name, len(kills), len(middle), *sums))
    return lines
