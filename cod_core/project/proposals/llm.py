"""Proposals by a language model: the plan of a run, the run itself, more for one text; each reply verified and saved as it comes."""

from cod_core.counterfactuals import verify
from cod_core.errors import BadInput
from cod_core.progress import Progress, silent
from cod_core.project.curation.pairs import Pairs
from cod_core.project.draws import Draws
from cod_core.project.place import Place, Room
from cod_core.project.teacher.clients import Clients, settings_of
from cod_core.project.teacher.endpoints import Endpoints
from cod_core.project.teacher.teacher import Teacher
from cod_core.project.texts.texts import Texts
from cod_core.store import cache, items
from cod_core.types import Counterfactual


def default_template(settings) -> str:
    """The prompt to start from: small models that only continue text need another one than chat models."""
    from cod_core.counterfactuals.prompts import DEFAULT_TEMPLATE, LINE_TEMPLATE
    from cod_core.models.local_chat import LocalSettings
    from cod_core.models.local_llm import DEFAULT_LLM

    plain = isinstance(settings, LocalSettings) and (settings.model == DEFAULT_LLM or settings.model.endswith(".gguf"))
    return LINE_TEMPLATE if plain else DEFAULT_TEMPLATE


def proposing_key(pid: str) -> str:
    """Where the calls, tokens and money of all proposals are counted, those that came to nothing too."""
    return f"proposing:{pid}"


def run_asks(generator, asks, n, save, progress: Progress):
    """propose_many, or its local counterpart where the model is on this computer."""
    from cod_core.counterfactuals import llm

    run = llm.propose_locally if hasattr(generator.client, "prepare") else llm.propose_many
    return run(generator, asks, n, save, progress)


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


class LanguageModel(Room):
    """Counterfactuals that a model at an address or on this computer writes."""

    def __init__(self, place: Place, texts: Texts, endpoints: Endpoints, clients: Clients, teacher: Teacher, pairs: Pairs, draws: Draws):
        super().__init__(place)
        self.texts = texts
        self.endpoints = endpoints
        self.clients = clients
        self.teacher = teacher
        self.pairs = pairs
        self.draws = draws

    def prompt_in_use(self, params: dict) -> str:
        """The prompt that a run with these params would use."""
        return self.template_of(params, settings_of(params))

    def use_prompt(self, model: str, template: str) -> None:
        """Use a prompt for this model from now on. Raises BadInput for an unknown one."""
        from cod_core.counterfactuals.prompts import template as known

        chosen = {**(self.row.settings.get("prompts") or {}), model: known(template).id}
        self.place.update(prompts=chosen)

    def again(self, example_id: str, keep: tuple[str, ...] = (), n: int = 2, key: str | None = None) -> dict:
        """New proposals for one text by the language model used last, asked for the next samples; `keep` names phrases
        that must stay as they are. key: for that model's address. Where a proposal of the model exists the request goes on from it.

        Returns {"added", "flipped", "messages"}. Raises BadInput where no model was used yet, or a phrase is not there.
        """
        from cod_core.counterfactuals.llm import Ask
        from cod_core.counterfactuals.prompts import LastTry

        chosen = self.endpoints.last_llm()
        if not chosen:
            raise BadInput("No language model was used in this project yet. Choose one on the Proposals page.")
        example = items.example(self.db, self.id, example_id)
        mine = [cf for cf in items.counterfactuals(self.db, self.id) if cf.example_id == example_id]
        told = [cf for cf in mine if cf.origin.kind == "llm" and cf.raw_reply]
        again = cache.get_reply(self.db, f"again:{self.id}:{example_id}") or {"sample": 100}
        generator = self.generator({"llm": chosen, "n": n}, key)
        before = self.teacher.before(example)
        last = LastTry(told[-1].raw_reply, told[-1].text) if told and keep else None
        ask = Ask(example, before.label, verify.target_of(before), again["sample"], tuple(keep), last)
        found: list[Counterfactual] = []
        outcome = run_asks(generator, [ask], n, lambda _, p: found.extend(p.counterfactuals), silent)
        cache.put_reply(self.db, self.id, f"again:{self.id}:{example_id}", {"sample": again["sample"] + n})
        known = {cf.text for cf in mine}
        fresh = [cf for cf in found if cf.text not in known]
        flipped = self.pairs.add([(example, cf) for cf in fresh])
        return {"added": len(fresh), "flipped": flipped, "messages": list(outcome.sentences)}

    def template_of(self, params: dict, settings) -> str:
        """The template asked for, else the one that a prompt study settled on for this model, else the default."""
        chosen = (self.row.settings.get("prompts") or {}).get(settings.model)
        return params.get("template") or chosen or default_template(settings)

    def demonstrations(self, template: str, most: int = 4) -> list:
        """The newest accepted pairs, for templates that show them; [] for the others, whose replies stay reusable."""
        from cod_core.counterfactuals import prompts

        if prompts.template(template).id != "few_shot" and prompts.template(template).shape not in prompts.ONE_LINE:
            return []
        texts = {e.id: e.text for e in self.texts.pool().values()}
        kept = [(cf, texts[i]) for i, (cf, _) in self.pairs.kept().items() if i in texts]
        kept.sort(key=lambda pair: (pair[0].created_at, pair[0].id))
        return [prompts.Demonstration(text, cf.text, cf.source, cf.target) for cf, text in kept[-most:]]

    def asks(self, texts, again: int = 0, keep: tuple[str, ...] = ()) -> list:
        """One Ask a text: from the teacher's class to the likeliest other one."""
        from cod_core.counterfactuals.llm import Ask

        befores = self.teacher.classifier().predict([e.text for e in texts])
        return [Ask(e, p.label, verify.target_of(p), again, keep) for e, p in zip(texts, befores)]

    def plan(self, params: dict):
        """What a run would send: the prompt for one row, calls, tokens, cost, destination. Sends nothing;
        asks the teacher about texts that it has not judged, and nobody else.

        Second tries (params["repair"]) depend on the replies: a note says how many at most.
        """
        from dataclasses import replace

        from cod_core.counterfactuals import llm_plan, prompts

        project, settings = self.row, settings_of(params)
        texts = self.draws.candidates(int(params["k"]))
        if not texts:
            raise BadInput("There are no labelled training texts to propose for. Add texts on the Data page, or with the command import.")
        template = self.template_of(params, settings)
        found = llm_plan.plan(
            project.task,
            self.asks(texts, int(params.get("first_sample", 0))),
            settings,
            params.get("n"),
            template,
            lambda k: cache.get_reply(self.db, k),
            self.demonstrations(template),
        )
        rounds = int(params.get("repair") or 0)
        if not rounds or prompts.template(template).shape in prompts.ONE_LINE:
            return found
        more = f"Where no proposal flips the teacher the model tries again: up to {rounds * len(texts):,} calls more, not counted here."
        return replace(found, notes=(*found.notes, more))

    def generator(self, params: dict, key: str | None):
        """The generator that params describe, with its client."""
        from cod_core.counterfactuals.llm import LLMGenerator

        settings = settings_of(params)
        template = self.template_of(params, settings)
        return LLMGenerator(
            self.clients.client(settings, key, counted=proposing_key(self.id)), self.row.task, template, self.demonstrations(template)
        )

    def generate(self, texts, params: dict, progress: Progress, key: str | None) -> dict:
        """Propose for every text; each text's proposals are verified and saved as they come.

        params["repair"]: rounds in which texts without a flip are asked for again, with what the teacher said.
        """
        self.clients.confirm_address(params)
        generator = self.generator(params, key)
        self.clients.remember(params)
        settings, flipped, tries = generator.client.settings, {}, {}

        def save(ask, proposals) -> None:
            found = self.pairs.add([(ask.example, cf) for cf in proposals.counterfactuals])
            flipped[ask.example.id] = flipped.get(ask.example.id, 0) + found
            tries.setdefault(ask.example.id, []).extend(proposals.counterfactuals)

        asks = self.asks(texts, int(params.get("first_sample", 0)))
        outcomes = [run_asks(generator, asks, settings.n, save, progress)]
        at_first = sum(1 for n in flipped.values() if n)
        for _ in range(int(params.get("repair", 0))):
            again = repairs(self.teacher.classifier(), [a for a in asks if not flipped.get(a.example.id)], tries)
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
