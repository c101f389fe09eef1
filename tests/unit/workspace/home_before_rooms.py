"""What today's rooms say of a data folder, entry by entry as the JSON of tests/fixtures holds it, and where that differs."""

import csv
import dataclasses
import hashlib
import inspect
import io
import json
import math
import re
from pathlib import Path

from cod_core.curation.view import View
from cod_core.data.counts import Counts
from cod_core.distill.settings import SweepPlan
from cod_core.project.proposals.llm import proposing_key
from cod_core.store import runs

FIXTURES = Path(__file__).parents[2] / "fixtures"
SAID = (FIXTURES / "home_before_rooms.json").read_text(encoding="utf-8")
SAID = re.sub(r"(?:fell|rose) from ([\d.]+ %) to ([\d.]+ %)", r"is \2 instead of \1", SAID)  # since: the intervals there all hold 0
for before, now in (("well past", "very clear"), ("close to", "a close call"), ("past", "clear")):  # since: no decision lines on a screen
    SAID = SAID.replace(f"changed, {before} the decision line", f"changed, the flip is {now}")
EXPECTED = json.loads(SAID)
ONE = EXPECTED["one"]
LATER = ("class_weights",)  # settings of a student that came after the folder
SORTS = ("upload", "boundary", "edit", "similar", "recent")


# ---- values as the JSON holds them


def plain(value):
    if isinstance(value, Counts):
        return plain(dict(value.texts))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {k if isinstance(k, str) else json.dumps(plain(k), ensure_ascii=False): plain(v) for k, v in value.items()}
    if isinstance(value, (set, frozenset)):
        return sorted(plain(v) for v in value)
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if hasattr(value, "tolist"):
        return value.tolist()
    return value


def parts(value, names):
    return {name: plain(getattr(value, name)) for name in names.split()}


def without(value, *names):
    return {name: part for name, part in plain(value).items() if name not in names}


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def without_flips(pairs: bytes) -> bytes:
    """Pairs as a table, without the column `flips`, which earlier ones did not have."""
    rows = csv.reader(io.StringIO(pairs.decode(), newline=""), delimiter="\t")
    out = io.StringIO(newline="")
    csv.writer(out, delimiter="\t", lineterminator="\n").writerows(row[:-1] for row in rows)
    return out.getvalue().encode()


def verdict(check):
    if check is None:
        return None
    known = "counterfactual_id teacher_id teacher_revision target flipped reached_target token_edits edit_fraction char_edits similarity"
    sides = {"before": check.before.label, "after": check.after.label}
    sides |= {"before_logprobs": plain(check.before.logprobs), "after_logprobs": plain(check.after.logprobs)}
    return parts(check, known + " checked_at") | sides


def card(shown):
    told = parts(shown, "source offered decision stale reason_why disagrees version second")
    example = {"example_id": shown.example.id, **parts(shown.example, "text label split")}
    return told | example | {"check": verdict(shown.check), "alternatives": [[cf.id, verdict(c)] for cf, c in shown.alternatives]}


def run_of(result):
    return {"run_id": result.config.run_id, "config": without(result.config, *LATER), **parts(result, "test dev judged path")}


def job_of(job):
    return parts(job, "id kind params state result message error")


def same(now, then) -> bool:
    """Equal, numbers up to the last digits, which another processor may give otherwise."""
    if isinstance(then, float) and isinstance(now, (int, float)):
        return math.isclose(now, then, rel_tol=1e-6, abs_tol=1e-9) or (math.isnan(now) and math.isnan(then))
    if isinstance(then, dict) and isinstance(now, dict):
        return now.keys() == then.keys() and all(same(now[key], then[key]) for key in then)
    if isinstance(then, list) and isinstance(now, list):
        return len(now) == len(then) and all(map(same, now, then))
    return bool(now == then)


NEWLY_SAID = {"bare", "own"}  # of texts without a proposal: the queue did not know them


def differing(now, then, at="") -> list[str]:
    """Where two values differ, for the message of a test."""
    if same(now, then):
        return []
    if isinstance(then, dict) and isinstance(now, dict):
        keys = [*then, *(key for key in now if key not in then and key not in NEWLY_SAID)]
        return [line for key in keys for line in differing(now.get(key), then.get(key), f"{at}.{key}")]
    if isinstance(then, list) and isinstance(now, list) and len(now) == len(then):
        return [line for n, pair in enumerate(zip(now, then)) for line in differing(*pair, f"{at}[{n}]")]
    return [f"{at}: now {now!r:.300}, then {then!r:.300}"]


def ask(verb, reader, params: dict):
    """Call a verb of a room with the value that its parameters stand for."""
    takes = next(iter(inspect.signature(verb).parameters))
    return verb(params if takes == "params" else reader.of(params))


def attempt(read):
    try:
        return plain(read())
    except Exception as error:
        return {"raises": type(error).__name__, "message": str(error)}


# ---- the reading verbs: entry -> what today's rooms say


def plans(project):
    def one(params):
        cells, left_out, shots = ask(project.plan.cells, SweepPlan, params)
        return plain({"run_ids": [cell.config.run_id for cell in cells], "left_out": left_out, "shots": shots})

    asked = EXPECTED["projects"][project.id]["plans"]
    return {name: {"params": plan["params"], **attempt(lambda plan=plan: one(plan["params"]))} for name, plan in asked.items()}


def keys(project):
    return {
        "failed": project.draws.failed_key(),
        "aimed": project.search._aimed_key(),
        "proposing": proposing_key(project.id),
        "tightened": project.tightening._mark(project.cards.all()[0].offered.id, "minimal"),
        "state": project.results.state_mark(),
        "identity": project.teacher.identity(),
    }


def teacher(project):
    return parts(project.teacher.classifier(), "id revision labels") | {"label": project.teacher.label()}


def results(project):
    latest = project.results.latest()
    return latest and parts(latest, "sentence effects table teacher_accuracy majority stale messages outdated")


def worth(project):
    measured = project.influence.measure()
    values = measured and [[one["id"], round(one["nll"], 6)] for one in measured.values]
    return measured and parts(measured, "n_dev measured_on") | {"values": values}


def audit_trail(project):
    trail = project.audit.jsonl()
    return {"sha256": sha(trail), "lines": len(trail.splitlines()), "csv_sha256": sha(project.audit.csv("Ana"))}


def verdict_on_record(project):
    first = project.cards.all()[0]
    found = project.curation.verdict_on_record(first.example.id, first.offered.text, first.offered.target)
    return without(verdict(found), "checked_at")


def drafts(project):
    found = {i: project.curation.draft_of(i, "Ana") for i in with_cards(project)}
    return {i: draft for i, draft in found.items() if draft}


def predicted(project):
    keys, store = ("test_predicted", "unlabelled_predicted"), project.store
    answers = store.answers
    ids = [r.config.run_id for r in runs.runs(project.place.db, project.id)]
    return {run_id: {key: answers(run_id, key) for key in keys} for run_id in ids}


def quality(project):
    shown = project.quality.card()
    judge = shown.fluency_judge
    return parts(shown, "total stages sources verdicts") | {"judge": judge}


def review_table(project):
    page = project.review.table("Ana")
    return {"ids": [c.example.id for c in page.cards], **parts(page, "total pages")}


def with_cards(project) -> list[str]:
    return [row.example_id for row in project.cards.rows("Ana")]


def rows(found) -> list[str]:
    return [row.example_id for row in found]


def queue_to_do(project):
    left = project.cards.queue(View(), "Ana")
    return parts(left, "view counts total decided kept") | {"rows": rows(left.rows), "narrowed": rows(left.narrowed)}


def compared(project):
    sides = project.comparison.sides()
    return project.comparison.compare(sides[0].id, sides[1].id)


def exported(project):
    lines = project.exports.jsonl()
    return {"sha256": sha(lines), "lines": len(lines.splitlines())}


def orders(project, lost=frozenset()):
    return {str(seed): project.draws.order(seed, 8, None, lost) for seed in range(3)}


READ = {
    "project": lambda p: p.row,
    "summary": lambda p: without(p.summary(), "n_tried"),  # counted since
    "examples": lambda p: p.texts.examples(),
    "queue": lambda p: {
        f"{who}|{sort}": rows(p.cards.queue(View(show="all", sort=sort), who).rows) for who in ("Ana", "Ben") for sort in SORTS
    },
    "queue_todo": queue_to_do,
    "queue_rows": lambda p: p.cards.rows("Ana"),
    "cards_Ana": lambda p: [card(c) for c in p.cards.all(annotator="Ana")],
    "cards_Ben": lambda p: [card(c) for c in p.cards.all(annotator="Ben")],
    "card": lambda p: card(p.cards.one(with_cards(p)[0], "Ana")),
    "kept_pairs": lambda p: {i: [cf.id, verdict(check)] for i, (cf, check) in p.pairs.kept().items()},
    "fair_pairs": lambda p: [list(p.draws.fair(p.pairs.kept())[0]), p.draws.fair(p.pairs.kept())[1]],
    "lost_rows": lambda p: p.draws.unusable_rows(),
    "failed": lambda p: p.draws.failed(),
    "keys": keys,
    "draw_order": orders,
    "draw_order_lost": lambda p: orders(p, p.draws.unusable_rows()),
    "sweep_orders": lambda p: {
        str(seed): order for seed, order in p.draws.sweep_orders(range(3), 8, 4, {i: cf for i, (cf, _) in p.pairs.kept().items()}).items()
    },
    "candidates": lambda p: [e.id for e in p.draws.candidates(8)],
    "shots_allowed": lambda p: p.plan.shots_allowed(),
    "preflight": lambda p: parts(p.preflight.check(), "n_kept n_pairs shots_allowed seconds_estimate n_test messages blocked"),
    "waiting": lambda p: p.pairs.waiting(),
    "plans": plans,
    "runs": lambda p: [run_of(r) for r in runs.runs(p.place.db, p.id)],
    "report": lambda p: p.results.report(),
    "results": results,
    "report_history": lambda p: p.comparison.history(),
    "sides": lambda p: [{**plain(side), "about": without(side.about, *LATER)} for side in p.comparison.sides()],
    "compare_sides": compared,
    "sources": lambda p: p.pairs.sources(),
    "provenance": lambda p: p.pairs.provenance(),
    "costs": lambda p: [without(c, "kwh") for c in p.costs.table()],
    "price_of_a_pair": lambda p: p.costs.price_of_a_pair(),
    "diagnostics": lambda p: (found := p.diagnostics.latest()) and {**found.to_json(), "stale": found.stale},
    "teacher": teacher,
    "teacher_report": lambda p: parts(
        p.trust.report(), "name kind revision accuracy n n_left_out disagreements note warning unanswered covered"
    ),
    "predictions": lambda p: p.teacher.classifier().logprobs([e.text for e in p.texts.examples()]),
    "limits": lambda p: p.quality.limits(),
    "quality": quality,
    "export_jsonl": exported,
    "export_cad": lambda p: sha(without_flips(p.exports.cad())),
    "export_counts": lambda p: p.exports.counts(),
    "audit_rows": audit_trail,
    "audit_replay": lambda p: p.audit.replayed(),
    "deciders": lambda p: p.audit.deciders(),
    "guideline": lambda p: p.guideline.current(),
    "guideline_versions": lambda p: p.guideline.versions(),
    "decided_before": lambda p: [d.counterfactual_id for d in p.guideline.decided_before()],
    "history": lambda p: {i: p.cards.history(i, "Ana") for i in with_cards(p)},
    "drafts": drafts,
    "seconds": lambda p: [[s.example_id, s.phase, {who: d.status for who, d in s.votes.items()}] for s in p.review.second_opinions()],
    "opinions_for": lambda p: {who: p.review.opinions_for(who) for who in ("Ana", "Ben", "Cleo")},
    "differences": lambda p: [[d.card.example.id, {who: v[0].status for who, v in d.votes.items()}] for d in p.review.differences()],
    "agreement": lambda p: p.review.agreement(),
    "review_table": review_table,
    "live": lambda p: p.live.measure(),
    "worth": worth,
    "verdict_on_record": verdict_on_record,
    "targets": lambda p: {which: p.search.targets(p.cards.all()[0].example, which) for which in ("in turn", "nearest", "all")},
    "usual_budget": lambda p: p.searcher.usual_budget(),
    "memory_of_labels": lambda p: p.teacher.soft_label_memory(),
    "chosen_student": lambda p: p.package.chosen().config.run_id,
    "kept_students": lambda p: [r.config.run_id for r in p.store.kept()],
    "predicted": predicted,
    "last_llm": lambda p: p.endpoints.last_llm(),
    "finished": lambda p: p.store.finished(p.texts.eval_sets()),
}
