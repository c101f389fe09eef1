"""What verification and minimal edits buy the student: search CFEs against the first replies of a language model.

    python -m benchmarks.llm_student sst2 [--home FOLDER] [--texts 160]      local language model
    python -m benchmarks.llm_student agnews                                  recorded GPT-4o replies, and the search on the same texts

Arms, at k training rows over 20 paired draws from one pool of texts: KD on k real rows; CoD with k/2 of them and their
search CFEs; with their first LLM reply as it came (unverified: some do not flip, its hard label is the target all the
same); with the LLM's replies that flip only (rows without one are replaced by the next). Linear student on the frozen
encoder, weights as everywhere. Needs COD_DATA; every reply, embedding and prediction is kept, so it can be stopped.
"""

import argparse
import json
import random
from pathlib import Path

import numpy as np

from benchmarks import tasks
from cod_core.counterfactuals.options import SearchOptions
from cod_core.data.draws import with_pairs_first
from cod_core.diagnostics.stats import paired_interval, row_differences
from cod_core.distill.linear import fit_linear_batch, linear_logits
from cod_core.text import edit_fraction

RESULTS = Path(__file__).parent / "results" / "llm_student.json"
SEEDS, SHOTS = 20, (8, 16, 32)
PAIRS = (  # written for this benchmark, in the manner of the texts
    ("a gorgeous , witty , seductive movie .", "a drab , witless , unappealing movie .", 1),
    ("the performances are flawless .", "the performances are dreadful .", 1),
    ("i found it slow , predictable and not very amusing .", "i found it swift , surprising and very amusing .", 0),
    ("a bore that tends to hammer home every one of its points .", "a delight that tends to bring home every one of its points .", 0),
    ("one of the best films of the year .", "one of the worst films of the year .", 1),
    ("the plot is weak and the jokes fall flat .", "the plot is strong and the jokes hit home .", 0),
)


def order(labels: list[int], usable: list[bool], seed: int) -> list[int]:
    """Indices of usable rows, drawn in turn from each class: nested and balanced."""
    rng = random.Random(seed)
    classes = sorted(set(labels))
    rows = {c: [i for i, label in enumerate(labels) if label == c and usable[i]] for c in classes}
    for ids in rows.values():
        rng.shuffle(ids)
    rng.shuffle(classes)
    return [i for group in zip(*(rows[c] for c in classes)) for i in group]


def compare(pool: list[dict], test_phi, test_gold, embed, soft, classes: int) -> dict:
    """pool: {text, label, <arm>: (CFE text, target) or None}. Accuracy of each arm at each k, and paired differences."""
    arms = [a for a in ("search", "llm_unverified", "llm_verified") if any(row.get(a) for row in pool)]
    labels = [row["label"] for row in pool]
    correct: dict[tuple[str, int], list[np.ndarray]] = {}
    for k in SHOTS:
        for arm in ("kd", *arms):
            fits = []
            for seed in range(SEEDS):
                ids = order(labels, [arm == "kd" or row.get(arm) is not None for row in pool], seed)
                if arm != "kd":  # targets take turns where they were given in turn, as in every sweep
                    ids = with_pairs_first(
                        ids, set(ids), len(ids), dict(enumerate(labels)), {i: pool[i][arm][1] for i in ids}, range(classes), seed
                    )
                rows = [(pool[i]["text"], labels[i]) for i in ids[: k if arm == "kd" else k // 2]]
                if arm != "kd":
                    rows += [pool[i][arm] for i in ids[: k // 2]]
                fits.append(rows)
            if any(len(rows) < k for rows in fits):
                continue
            texts = [[t for t, _ in rows] for rows in fits]
            weight, bias = fit_linear_batch(
                np.stack([embed(t) for t in texts]),
                np.ones((SEEDS, k)),
                np.array([[label for _, label in rows] for rows in fits]),
                np.stack([soft(t) for t in texts]),
            )
            correct[arm, k] = [linear_logits(test_phi, w, b).argmax(-1) == test_gold for w, b in zip(weight, bias)]
    out: dict = {"accuracy": {}, "differences": {}}
    for (arm, k), rows in correct.items():
        out["accuracy"].setdefault(arm, {})[k] = round(float(np.mean(rows)), 4)
    for a, b in (("kd", "search"), ("kd", "llm_unverified"), ("llm_unverified", "llm_verified"), ("llm_unverified", "search")):
        for k in SHOTS:
            if (a, k) in correct and (b, k) in correct:
                rows = row_differences(np.array(correct[a, k]), np.array(correct[b, k]))
                effect = paired_interval(rows.mean(1), rows)
                told = [round(v, 4) for v in (effect.mean, effect.low, effect.high)]
                out["differences"].setdefault(f"{b} - {a}", {})[k] = told
    return out


def described(pool: list[dict]) -> dict:
    """Flip rate and median edit fraction of each source over the pool."""
    out = {}
    for arm in ("search", "llm_unverified", "llm_verified"):
        found = [row for row in pool if row.get(arm)]
        if found:
            out[arm] = {
                "texts": len(found),
                "median_edit_fraction": round(float(np.median([edit_fraction(r["text"], r[arm][0]) for r in found])), 3),
            }
    tried = [r for r in pool if r.get("llm_unverified")]
    out["llm_flip_rate"] = round(sum(bool(r.get("llm_verified")) for r in tried) / max(1, len(tried)), 3)
    return out


def sst2(home: str | None, texts: int) -> tuple:
    """The pool of SST-2: texts with an accepted search CFE, and the local model's first reply for each."""
    from cod_core.counterfactuals.llm import Ask, LLMGenerator
    from cod_core.counterfactuals.prompts import Demonstration
    from cod_core.models.chat import reply_key
    from cod_core.models.local_chat import LocalSettings
    from cod_core.project.proposals.llm_run import run_asks
    from cod_core.store import cache, items
    from cod_core.workspace import Workspace

    w = Workspace(home)
    pid = tasks.project(w, "sst2")
    kept = w.project(pid).pairs.kept()
    if len(kept) < texts:
        w.project(pid).search.run(w.project(pid).draws.candidates(2 * texts))
        w.project(pid).curation.accept_unattended()
        kept = w.project(pid).pairs.kept()
    labels, teacher, encoder = w.project(pid).row.task.labels, w.project(pid).teacher.classifier(), w.models.encoder()
    rows = items.examples(w.db, pid, ids=sorted(kept))
    random.Random(0).shuffle(rows)
    shown = [Demonstration(a, b, labels[s], labels[1 - s]) for a, b, s in PAIRS]
    settings = LocalSettings(n=1)
    generator = LLMGenerator(w.project(pid).clients.client(settings), w.project(pid).row.task, "continue_pairs", shown)

    def asked(e) -> Ask:
        return Ask(e, str(e.label), labels[1 - labels.index(e.label)])

    def on_record(e) -> bool:
        key = reply_key(settings, generator.prompt(asked(e)).messages, settings.temperature, 0)
        return cache.get_reply(w.db, key) is not None

    rows.sort(key=lambda e: not on_record(e))  # a run that was stopped goes on with the texts it began
    per = {label: [e for e in rows if e.label == label][: texts // 2] for label in labels}
    chosen = [e for pair in zip(*per.values()) for e in pair]
    replies: dict[str, str] = {}

    def keep(ask, proposals) -> None:
        for cf in proposals.counterfactuals:
            replies[ask.example.id] = cf.text

    asks = [asked(e) for e in chosen]
    run_asks(generator, asks, 1, keep, print)
    pool = []
    for e in chosen:
        source = labels.index(e.label)
        said = replies.get(e.id)
        row = {"text": e.text, "label": source, "search": (kept[e.id][0].text, 1 - source)}
        if said:
            flips = teacher.predict([said])[0].label == labels[1 - source]
            row |= {"llm_unverified": (said, 1 - source), "llm_verified": (said, 1 - source) if flips else None}
        pool.append(row)
    test = items.examples(w.db, pid, split="test")
    return (
        pool,
        encoder.encode([e.text for e in test]),
        np.array([labels.index(e.label) for e in test]),
        encoder.encode,
        teacher.logprobs,
        2,
    )


def agnews(home: str | None, texts: int) -> tuple:
    """The pool of AG News: GPT-4o's recorded replies to a request that names no target class, and the search's flips.

    The class that an unverified reply is given is the teacher's likeliest other class at the original, as a user of the
    replies would aim at it; a verified one is kept where the teacher's class changes, with the class that it changes to.
    """
    from cod_core.store import items
    from cod_core.workspace import Workspace

    w = Workspace(home)
    pid = tasks.project(w, "agnews")
    labels, teacher, encode = w.project(pid).row.task.labels, w.project(pid).teacher.classifier(), w.models.encoder().encode
    known = {e.text: e for e in items.examples(w.db, pid, split="train")}
    recorded = [row for row in tasks.gpt4o_rows() if row["original_text"] in known][:texts]
    said = {
        row["original_text"]: row["noisy_cf"] if row["counterfactual_text"] == "null" else row["counterfactual_text"] for row in recorded
    }
    rows = [known[text] for text in said]
    before = teacher.logprobs([e.text for e in rows])
    right = [(e, b) for e, b in zip(rows, before) if labels[int(b.argmax())] == e.label]
    w.project(pid).search.run(
        [e for e, _ in right], 4, lambda done, total, text: print(done, "of", total, flush=True), SearchOptions().clear()
    )
    w.project(pid).curation.accept_unattended()
    kept, pool = w.project(pid).pairs.kept(), []
    after = teacher.logprobs([said[e.text] for e, _ in right])
    for (e, was), now in zip(right, after):
        gold, text = labels.index(e.label), said[e.text]
        found = kept.get(e.id)
        pool.append(
            {
                "text": e.text,
                "label": gold,
                "llm_unverified": (text, int(np.argsort(-was)[1])),
                "llm_verified": (text, int(now.argmax())) if int(now.argmax()) != gold else None,
                "search": (found[0].text, labels.index(found[0].target)) if found else None,
            }
        )
    test = items.examples(w.db, pid, split="test")
    return (pool, encode([e.text for e in test]), np.array([labels.index(e.label) for e in test]), encode, teacher.logprobs, len(labels))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("task", choices=["sst2", "agnews"])
    parser.add_argument("--home")
    parser.add_argument("--texts", type=int, default=160)
    chosen = parser.parse_args()
    made = {"sst2": sst2, "agnews": agnews}[chosen.task](chosen.home, chosen.texts)
    out = {"pool": len(made[0]), "n_test": len(made[2]), "seeds": SEEDS, **described(made[0]), **compare(*made)}
    table = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps({**table, chosen.task: out}, indent=1) + "\n")
    print(json.dumps(out, indent=1))


if __name__ == "__main__":
    main()
