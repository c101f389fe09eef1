"""Wires language models into the workspace: clients with replies kept in the store, generator runs, LLM teachers.

A model is at an endpoint (base_url) or on this computer (local: its name, folder or GGUF file).
"""

from cod_core.counterfactuals import verify
from cod_core.errors import BadInput
from cod_core.progress import Progress
from cod_core.store import cache, projects
from cod_core.types import Task

_KEPT = ("base_url", "model", "temperature", "max_in_flight", "price_in", "price_out")


def settings_of(params: dict):
    """LLMSettings or LocalSettings from plain values; unknown names are ignored. Raises BadInput on bad ones."""
    values, n = params.get("llm") or {}, int(params.get("n", (params.get("llm") or {}).get("n", 4)))
    if values.get("local"):
        from cod_core.models.local_chat import LocalSettings

        heat = values.get("temperature")
        return LocalSettings(str(values["local"]), 0.7 if heat in (None, "") else float(heat), n)
    from cod_core.models.chat import LLMSettings

    if not str(values.get("base_url") or "").strip():
        raise BadInput("Give the address of the model (base_url). Nothing is sent anywhere that you did not name.")
    return LLMSettings(**{k: values[k] for k in _KEPT if values.get(k) not in (None, "")}, n=n)


def client_of(workspace, pid: str, settings, key: str | None = None, counted: str | None = None):
    """A client whose successful replies are kept for good under the project. counted: where they are counted too.

    key: for the address of these settings; where absent, the workspace's for it. Nothing is sent to an address that nobody
    named for the project.
    """
    from cod_core.models.chat import LLMClient
    from cod_core.models.local_chat import LocalClient, LocalSettings

    db = workspace.db

    def get(k: str) -> dict | None:
        return cache.get_reply(db, k)

    def put(k: str, reply: dict) -> None:
        cache.put_reply(db, pid, k, reply)
        if counted:
            price = settings.cost(reply.get("tokens_in", 0), reply.get("tokens_out", 0))
            cache.count(
                db,
                pid,
                counted,
                calls=1,
                tokens_in=reply.get("tokens_in", 0),
                tokens_out=reply.get("tokens_out", 0),
                cost_usd=price or 0.0,
                priced=0 if price is None else 1,
            )

    if isinstance(settings, LocalSettings):
        return LocalClient(settings, lambda: workspace.local_llm(settings.model), get, put)

    def own_key() -> str | None:
        known = workspace.key_for(pid, settings)  # raises for an address that nobody named
        return key or known

    return LLMClient(settings, own_key, get, put)


def name_endpoint_of(workspace, pid: str, params: dict) -> None:
    """Where params ask a model at an address, the person who gave them named it."""
    from cod_core.models.chat import LLMSettings

    settings = settings_of(params)
    if isinstance(settings, LLMSettings):
        workspace.name_endpoint(pid, settings.base_url)


def default_template(settings) -> str:
    """The prompt to start from: small models that only continue text need another one than chat models."""
    from cod_core.counterfactuals.prompts import DEFAULT_TEMPLATE, LINE_TEMPLATE
    from cod_core.models.local_chat import LocalSettings
    from cod_core.models.local_llm import DEFAULT_LLM

    plain = isinstance(settings, LocalSettings) and (settings.model == DEFAULT_LLM or settings.model.endswith(".gguf"))
    return LINE_TEMPLATE if plain else DEFAULT_TEMPLATE


def template_of(workspace, pid: str, params: dict, settings) -> str:
    """The template asked for, else the one that a prompt study settled on for this model, else the default."""
    chosen = (workspace.project(pid).settings.get("prompts") or {}).get(settings.model)
    return params.get("template") or chosen or default_template(settings)


def demonstrations_of(workspace, pid: str, template: str, most: int = 4) -> list:
    """The newest accepted pairs, for templates that show them; [] for the others, whose replies stay reusable."""
    from cod_core.counterfactuals import prompts

    if prompts.template(template).id != "few_shot" and prompts.template(template).shape not in prompts.ONE_LINE:
        return []
    texts = {e.id: e.text for e in workspace.pool(pid).values()}
    kept = [(cf, texts[i]) for i, (cf, _) in workspace.kept_pairs(pid).items() if i in texts]
    kept.sort(key=lambda pair: (pair[0].created_at, pair[0].id))
    return [prompts.Demonstration(text, cf.text, cf.source, cf.target) for cf, text in kept[-most:]]


def asks_for(workspace, pid: str, texts, again: int = 0, keep: tuple[str, ...] = ()) -> list:
    """One Ask a text: from the teacher's class to the likeliest other one."""
    from cod_core.counterfactuals.llm import Ask

    befores = workspace.teacher(pid).predict([e.text for e in texts])
    return [Ask(e, p.label, verify.target_of(p), again, keep) for e, p in zip(texts, befores)]


def plan_llm(workspace, pid: str, params: dict):
    """The Plan of a run; asks the teacher about texts that it has not judged, and nobody else.

    Second tries (params["repair"]) depend on the replies: a note says how many at most.
    """
    from dataclasses import replace

    from cod_core.counterfactuals import llm_plan, prompts

    project, settings = workspace.project(pid), settings_of(params)
    texts = workspace.candidates(pid, int(params["k"]))
    if not texts:
        raise BadInput("There are no labelled training texts to propose for. Add texts on the Data page, or with the command import.")
    template = template_of(workspace, pid, params, settings)
    found = llm_plan.plan(
        project.task,
        asks_for(workspace, pid, texts, int(params.get("first_sample", 0))),
        settings,
        params.get("n"),
        template,
        lambda k: cache.get_reply(workspace.db, k),
        demonstrations_of(workspace, pid, template),
    )
    rounds = int(params.get("repair") or 0)
    if not rounds or prompts.template(template).shape in prompts.ONE_LINE:
        return found
    more = f"Where no proposal flips the teacher the model tries again: up to {rounds * len(texts):,} calls more, not counted here."
    return replace(found, notes=(*found.notes, more))


def proposing_key(pid: str) -> str:
    """Where the calls, tokens and money of all proposals are counted, those that came to nothing too."""
    return f"proposing:{pid}"


def generator_of(workspace, pid: str, params: dict, key: str | None):
    """The generator that params describe, with its client."""
    from cod_core.counterfactuals.llm import LLMGenerator

    settings = settings_of(params)
    template = template_of(workspace, pid, params, settings)
    return LLMGenerator(
        client_of(workspace, pid, settings, key, counted=proposing_key(pid)),
        workspace.project(pid).task,
        template,
        demonstrations_of(workspace, pid, template),
    )


def run_asks(generator, asks, n, save, progress: Progress):
    """propose_many, or its local counterpart where the model is on this computer."""
    from cod_core.counterfactuals import llm

    run = llm.propose_locally if hasattr(generator.client, "prepare") else llm.propose_many
    return run(generator, asks, n, save, progress)


def generate_llm(workspace, pid: str, texts, params: dict, progress: Progress, key: str | None) -> dict:
    """Propose for every text; each text's proposals are verified and saved as they come.

    params["repair"]: rounds in which texts without a flip are asked for again, with what the teacher said.
    """
    name_endpoint_of(workspace, pid, params)
    generator = generator_of(workspace, pid, params, key)
    remember(workspace, pid, params)
    settings, flipped, tries = generator.client.settings, {}, {}

    def save(ask, proposals) -> None:
        found = workspace.add_proposals(pid, [(ask.example, cf) for cf in proposals.counterfactuals])
        flipped[ask.example.id] = flipped.get(ask.example.id, 0) + found
        tries.setdefault(ask.example.id, []).extend(proposals.counterfactuals)

    asks = asks_for(workspace, pid, texts, int(params.get("first_sample", 0)))
    outcomes = [run_asks(generator, asks, settings.n, save, progress)]
    at_first = sum(1 for n in flipped.values() if n)
    for _ in range(int(params.get("repair", 0))):
        again = repairs(workspace.teacher(pid), [a for a in asks if not flipped.get(a.example.id)], tries)
        if not again or generator.template.shape in ("line", "edits"):
            break
        outcomes.append(run_asks(generator, again, 1, save, progress))
    failed = {i: m for outcome in outcomes for i, m in outcome.failed.items() if i not in flipped}
    return {
        "texts": len(texts),
        "tried": len(flipped),
        "flipped": sum(1 for n in flipped.values() if n),
        "without": sum(1 for n in flipped.values() if not n),
        "failures": failed,
        "repaired": sum(1 for n in flipped.values() if n) - at_first,
        "cost_usd": sum_or_none([o.cost_usd for o in outcomes]),
        "messages": [s for outcome in outcomes for s in outcome.sentences],
    }


def sum_or_none(values) -> float | None:
    """The sum; None where one of them is not known."""
    return None if any(v is None for v in values) else float(sum(values))


def repairs(teacher, asks, tries: dict) -> list:
    """Second asks for texts without a flip: each with the try that came nearest and the teacher's verdict on it."""
    from dataclasses import replace

    from cod_core.counterfactuals.prompts import LastTry

    again = []
    for ask in asks:
        tried = tries.get(ask.example.id)
        if not tried:
            continue
        verdicts = teacher.predict([cf.text for cf in tried])
        cf, verdict = max(zip(tried, verdicts), key=lambda pair: pair[1].prob(ask.target))
        again.append(replace(ask, first_sample=0, last=LastTry(cf.raw_reply or cf.text, cf.text, verdict)))
    return again


def remember(workspace, pid: str, params: dict) -> None:
    """Keep which model was used last, without any key, so that the next page and 'try again' can offer it."""
    kept = {k: v for k, v in (params.get("llm") or {}).items() if k in (*_KEPT, "local") and v not in (None, "")}
    if kept != workspace.project(pid).settings.get("llm"):
        projects.update_settings(workspace.db, pid, {"llm": kept})


def llm_teacher(workspace, spec: dict, labels):
    """An LLM as teacher from a project's spec {base_url, model or local, samples, task, calibrate}. Raises EndpointError."""
    from cod_core.models.llm_teacher import LLMTeacher

    task = Task(spec.get("task") or "Which label fits the text?", tuple(labels), tuple(spec.get("descriptions") or ()))
    calibrate = bool(spec.get("calibrate"))
    if spec.get("local"):
        from cod_core.models.local_teacher import LocalTeacher

        return LocalTeacher(workspace.local_llm(spec["local"]), task, calibrate)
    settings = settings_of({"llm": spec, "n": 1})
    client = client_of(workspace, spec.get("project_id"), settings, counted=memory_key(spec))
    return LLMTeacher.connect(client, task, int(spec.get("samples") or 5), calibrate)


def memory_key(spec: dict) -> str:
    """Where the calls of a project's LLM teacher are counted."""
    return f"memory:{spec.get('project_id')}:{spec.get('base_url') or 'local'}:{spec.get('model') or spec.get('local')}"
