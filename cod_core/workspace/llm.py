"""Wires chat models into the workspace: clients with replies kept in the store, generator runs, LLM teachers."""

from cod_core.counterfactuals import verify
from cod_core.errors import BadInput
from cod_core.progress import Progress
from cod_core.store import cache
from cod_core.types import Task


def settings_of(params: dict):
    """LLMSettings from plain values; unknown names are ignored. Raises BadInput on bad ones."""
    from cod_core.models.chat import LLMSettings

    values = params.get("llm") or {}
    names = ("base_url", "model", "temperature", "max_in_flight", "price_in", "price_out")
    chosen = {k: values[k] for k in names if values.get(k) not in (None, "")}
    return LLMSettings(**chosen, n=int(params.get("n", values.get("n", 4))))


def client_of(db, pid: str | None, settings, key: str | None):
    """A client whose successful replies are kept for good under the project."""
    from cod_core.models.chat import LLMClient

    return LLMClient(settings, key, lambda k: cache.get_reply(db, k), lambda k, reply: cache.put_reply(db, pid, k, reply))


def llm_teacher(db, spec: dict, labels, key: str | None):
    """An LLM as teacher from a project's spec {base_url, model, samples, task}. Raises EndpointError."""
    from cod_core.models.llm_teacher import LLMTeacher

    settings = settings_of({"llm": spec, "n": 1})
    task = Task(spec.get("task") or "Which label fits the text?", tuple(labels), tuple(spec.get("descriptions") or ()))
    return LLMTeacher.connect(client_of(db, spec.get("project_id"), settings, key), task, int(spec.get("samples") or 5))


def _asks(workspace, pid: str, texts, again: int):
    from cod_core.counterfactuals.llm import Ask

    teacher = workspace.teacher(pid)
    befores = teacher.predict([e.text for e in texts])
    return [Ask(e, p.label, verify.target_of(p), first_sample=again) for e, p in zip(texts, befores)]


def plan_llm(workspace, pid: str, params: dict):
    """The Plan of a run; sends nothing."""
    from cod_core.counterfactuals import llm_plan as llm

    project, settings = workspace.project(pid), settings_of(params)
    texts = workspace.candidates(pid, int(params["k"]))
    if not texts:
        raise BadInput("There are no labelled training texts to propose for. Add texts on the Data page.")
    return llm.plan(project.task, _asks(workspace, pid, texts, int(params.get("first_sample", 0))), settings,
                    params.get("n"), params.get("template") or llm.DEFAULT_TEMPLATE,
                    lambda k: cache.get_reply(workspace.db, k))


def generate_llm(workspace, pid: str, texts, params: dict, progress: Progress, key: str | None) -> dict:
    """Propose for every text with a chat model; each text's proposals are verified and saved as they come."""
    from cod_core.counterfactuals import llm

    settings, project = settings_of(params), workspace.project(pid)
    generator = llm.LLMGenerator(client_of(workspace.db, pid, settings, key), project.task,
                                 params.get("template") or llm.DEFAULT_TEMPLATE)
    flipped = {}

    def save(ask, proposals) -> None:
        flipped[ask.example.id] = workspace.add_proposals(pid, [(ask.example, cf) for cf in proposals.counterfactuals])
    asks = _asks(workspace, pid, texts, int(params.get("first_sample", 0)))
    outcome = llm.propose_many(generator, asks, settings.n, save, progress)
    return {"texts": len(texts), "tried": len(flipped), "flipped": sum(1 for n in flipped.values() if n),
            "without": sum(1 for n in flipped.values() if not n), "failures": dict(outcome.failed),
            "messages": list(outcome.sentences()) if callable(outcome.sentences) else list(outcome.sentences)}
