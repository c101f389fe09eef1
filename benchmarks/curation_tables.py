"""Tables on curation: which text next, whether it pays, what judged proposals teach. Built from benchmarks/results/;
benchmarks/tables.py puts them into the pages."""

from benchmarks.cells import TASKS, Lines, effect, head, part, read, row

ORDERS = {
    "upload": "upload order",
    "promising": "what the strip suggests",
    "boundary": "closest calls",
    "coreset": "coreset (farthest first)",
}
ARMS = {
    "read": "accepted by the reader",
    "unread": "as many, unread",
    "alike": "as many, unread, of the same labels",
    "refused": "as many, refused by the reader",
    "real": "as many real texts",
}


def next_text() -> Lines:
    found = read("next_text")
    lines = head("task", "order", "4 decisions", "8", "16", "32", "less upload order at 8")
    for task, one in found.items():
        for order, name in ORDERS.items():
            cells = one["cells"][order]
            apart = effect(one["effects"][order]["8"]) if order != "upload" else ""
            lines.append(row(TASKS[task] if order == "upload" else "", name, *(part(cells[n]["accuracy"]) for n in cells), apart))
    return lines


def pays() -> Lines:
    lines = head(
        "task", "pairs of the student", "right on test texts", "macro-F1", "contrast set: follows", "both ends right", "read less these"
    )
    for task, one in read("curation").items():
        for arm, found in one["arms"].items():
            name = f"{TASKS[task]} ({one['pairs']} pairs, {one['held']} held out)" if arm == "read" else ""
            apart = "" if arm == "read" else effect(one[f"read - {arm}"]["both"])
            lines.append(row(name, ARMS[arm], *(part(found[key]) for key in ("accuracy", "macro_f1", "follows", "both")), apart))
    return lines


def teaches() -> Lines:
    lines = head("task (originals; test texts)", "k", "KD", "earlier", "judged", "judged - KD", "judged - earlier")
    for task, one in read("teaching").items():
        for k in one["cells"]["kd"]:
            name = f"{TASKS[task]} ({one['originals']}; {one['n_test']:,})" if k == next(iter(one["cells"]["kd"])) else ""
            arms = (part(one["cells"][arm][k]["accuracy"]) for arm in ("kd", "earlier", "judged"))
            lines.append(row(name, k, *arms, *(effect(one["effects"][name][k]) for name in ("judged - kd", "judged - earlier"))))
    return lines
