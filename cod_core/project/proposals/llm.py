"""Proposals by a language model: the plan of a run, the run itself, more for one text; each reply verified and saved as it comes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cod_core.counterfactuals import verify
from cod_core.counterfactuals.options import IN_TURN, GenerateRequest
from cod_core.counterfactuals.round_rate import Rate
from cod_core.counterfactuals.targets import Aims, in_turn
from cod_core.errors import BadInput
from cod_core.models.chat import LLMSettings
from cod_core.models.local_chat import LocalSettings
from cod_core.models.providers import takes_batches
from cod_core.progress import Progress, silent
from cod_core.project.curation.pairs import Pairs
from cod_core.project.draws import Draws
from cod_core.project.place import Place, Room, needs
from cod_core.project.proposals.llm_run import LlmReport, LlmRun, run_asks
from cod_core.project.proposals.tightening import Tightening
from cod_core.project.teacher.clients import Clients
from cod_core.project.teacher.endpoints import Endpoints
from cod_core.project.teacher.teacher import Teacher
from cod_core.project.texts.texts import Texts
from cod_core.said import say
from cod_core.store import cache, items
from cod_core.types import Counterfactual, Example, Prediction

if TYPE_CHECKING:
    from cod_core.counterfactuals.llm import Ask, LLMGenerator
    from cod_core.counterfactuals.llm_plan import Plan
    from cod_core.counterfactuals.prompts import Demonstration
    from cod_core.counterfactuals.trial import Judge

MOST_KEPT = 8  # entities and placeholders that a prompt names
FIRST_AGAIN = 100  # number of the first sample of "try again", above those of every usual run


def default_template(settings: LLMSettings | LocalSettings) -> str:
    """The prompt to start from: small models that only continue text need another one than chat models."""
    from cod_core.counterfactuals.prompts import DEFAULT_TEMPLATE, LINE_TEMPLATE
    from cod_core.models.local_llm import DEFAULT_LLM

    plain = isinstance(settings, LocalSettings) and (settings.model == DEFAULT_LLM or settings.model.endswith(".gguf"))
    return LINE_TEMPLATE if plain else DEFAULT_TEMPLATE


def proposing_key(pid: str) -> str:
    """Where the calls, tokens and money of all proposals are counted, those that came to nothing too."""
    return f"proposing:{pid}"


@dataclass(frozen=True)
class AskedAgain:
    """What asking for one more text brought. added: new proposals, of which `flipped` flip. messages: losses in words."""

    added: int
    flipped: int
    messages: tuple[str, ...]


class LanguageModel(Room):
    """Counterfactuals that a model at an address or on this computer writes."""

    def __init__(
        self,
        place: Place,
        texts: Texts,
        endpoints: Endpoints,
        clients: Clients,
        teacher: Teacher,
        pairs: Pairs,
        draws: Draws,
        tightening: Tightening,
    ):
        super().__init__(place)
        self.texts = texts
        self.endpoints = endpoints
        self.clients = clients
        self.teacher = teacher
        self.pairs = pairs
        self.draws = draws
        self.tightening = tightening

    def prompt_in_use(self, request: GenerateRequest) -> str:
        """The prompt of this run: the one asked for, else the one that a prompt study settled on for this model, else the
        default."""
        settings = request.model_settings()
        chosen: dict[str, str] = self.row.settings.get("prompts") or {}
        return request.template or chosen.get(settings.model) or default_template(settings)

    @needs("propose")
    def use_prompt(self, model: str, template: str) -> None:
        """Use a prompt for this model from now on. Raises BadInput for an unknown one."""
        from cod_core.counterfactuals import prompts

        chosen = {**(self.row.settings.get("prompts") or {}), model: prompts.template(template).id}
        self.place.update(prompts=chosen)

    @needs("propose")
    def again(self, example_id: str, keep: tuple[str, ...] = (), n: int = 2, key: str | None = None) -> AskedAgain:
        """New proposals for one text by the language model used last, asked for the next samples; `keep` names phrases
        that must stay as they are. key: for that model's address. Where a proposal of the model exists the request goes on from it.

        Raises BadInput where no model was used yet, or a phrase is not there.
        """
        last = self.endpoints.last_llm()
        if not last:
            raise BadInput(say("No language model was used in this project yet. Choose one on the Proposals page."))
        example = items.example(self.db, self.id, example_id)
        here = [cf for cf in items.counterfactuals(self.db, self.id) if cf.example_id == example_id]
        mark = f"again:{self.id}:{example_id}"
        sample = (cache.get_reply(self.db, mark) or {"sample": FIRST_AGAIN})["sample"]
        generator = self.generator(GenerateRequest(n=n, generator="llm", llm=last), key)
        written: list[Counterfactual] = []
        ask = self._next_ask(example, here, keep, sample)
        outcome = run_asks(generator, [ask], n, lambda _, p: written.extend(p.counterfactuals), silent)
        cache.put_reply(self.db, self.id, mark, {"sample": sample + n})
        texts = {cf.text for cf in here}
        fresh = [cf for cf in written if cf.text not in texts]
        return AskedAgain(len(fresh), self.pairs.add([(example, cf) for cf in fresh]), outcome.sentences)

    def _next_ask(self, example: Example, here: Sequence[Counterfactual], keep: tuple[str, ...], sample: int) -> "Ask":
        """The request for one text. here: its proposals, of which the model's newest is bettered where phrases are to stay."""
        from cod_core.counterfactuals.llm import Ask
        from cod_core.counterfactuals.prompts import LastTry

        before = self.teacher.before(example)
        replies = [(cf.raw_reply, cf.text) for cf in here if cf.origin.kind == "llm" and cf.raw_reply]
        last = LastTry(*replies[-1]) if replies and keep else None
        return Ask(example, before.label, verify.target_of(before), sample, tuple(keep), last)

    def demonstrations(self, template: str, most: int = 4) -> "list[Demonstration]":
        """The newest accepted pairs, for templates that show them; [] for the others, whose replies stay reusable."""
        from cod_core.counterfactuals import prompts

        if prompts.template(template).id != "few_shot" and prompts.template(template).shape not in prompts.ONE_LINE:
            return []
        texts = {e.id: e.text for e in self.texts.pool().values()}
        kept = [(cf, texts[i]) for i, (cf, _) in self.pairs.kept().items() if i in texts]
        kept.sort(key=lambda pair: (pair[0].created_at, pair[0].id))
        return [prompts.Demonstration(text, cf.text, cf.source, cf.target) for cf, text in kept[-most:]]

    def asks(self, texts: Sequence[Example], first_sample: int = 0, targets: str = IN_TURN) -> "list[Ask]":
        """One Ask a text: from the teacher's class to the one it is aimed at; entities and placeholders stay as they are.

        targets: "in turn" (each other class as often), "nearest", or one label, whose own texts are left out.
        """
        from cod_core.counterfactuals.llm import Ask
        from cod_core.counterfactuals.pieces import GUARDED, pieces_of

        aims, asks = self._aims(), []
        for example, before in zip(texts, self.teacher.classifier().predict([e.text for e in texts])):
            if (target := self._target(example, before, targets, aims)) is not None:
                keep = dict.fromkeys(piece.text for piece in pieces_of(example.text) if piece.kind == GUARDED)
                asks.append(Ask(example, before.label, target, first_sample, tuple(keep)[:MOST_KEPT]))
        return asks

    def _target(self, example: Example, before: Prediction, targets: str, aims: Aims) -> str | None:
        """The class to aim at, None where the teacher sees the text so already. Raises BadInput for what a language model is not
        asked for."""
        if targets in self.labels:
            return targets if targets != before.label else None
        if targets not in (IN_TURN, "nearest"):
            raise BadInput(f"A language model writes for one label a text: in turn, nearest, or a label of the project, not {targets!r}.")
        if targets == "nearest" or len(self.labels) == 2:
            return verify.target_of(before)
        ranked = sorted((x for x in before.labels if x != before.label), key=lambda x: -before.prob(x))
        return in_turn(aims, before.label, example.id, ranked)

    def _aims(self) -> Aims:
        """(class of a text, its id) -> class that a language model was first asked for."""
        aims: Aims = {(source, i): target for i, (source, target) in (cache.get_reply(self.db, self._aimed_key()) or {}).items()}
        for i, proposals in self.pairs.snapshot().by_example.items():
            for cf in proposals:
                if cf.origin.kind == "llm":
                    aims.setdefault((cf.source, i), cf.target)
        return aims

    def _aimed_key(self) -> str:
        return f"aimed-llm:{self.id}"

    def rate(self, model: str) -> Rate:
        """How many texts this model was asked about in each round so far, and how many were done with then."""
        kept = (cache.get_reply(self.db, self._rate_key()) or {}).get(model) or [[], []]
        return Rate(tuple(kept[0]), tuple(kept[1]))

    def _rate_key(self) -> str:
        return f"rounds:{self.id}"

    def plan(self, request: GenerateRequest) -> "Plan":
        """What a run would send: the prompt for one row, calls, tokens, cost, destination. Sends nothing;
        asks the teacher about texts that it has not judged, and nobody else.

        Later rounds depend on the replies: counted at worst, and at the rate seen so far with this model.
        """
        from cod_core.counterfactuals import llm_plan, prompts

        settings, texts = request.model_settings(), self.draws.candidates(request.k, request.labels)
        if not texts:
            raise BadInput(
                say("There are no labelled training texts to propose for. Add texts on the Data page, or with the command import.")
            )
        template = self.prompt_in_use(request)
        asks = self.asks(texts, request.first_sample, request.search.targets)
        plan = llm_plan.plan(
            self.row.task,
            asks,
            settings,
            request.n,
            template,
            lambda k: cache.get_reply(self.db, k, self.id),
            self.demonstrations(template),
        )
        if request.batch:
            plan = llm_plan.as_batch(plan, takes_batches(request.llm.base_url))
        if not request.repair or prompts.template(template).shape in prompts.ONE_LINE:
            return plan
        return llm_plan.with_rounds(plan, asks, settings, request.repair, self.rate(settings.model))

    def generator(self, request: GenerateRequest, key: str | None) -> "LLMGenerator":
        """The generator of a run, with its client."""
        from cod_core.counterfactuals.llm import LLMGenerator

        made = self.clients.by_batch if request.batch else self.clients.client
        client = made(request.model_settings(), key, counted=proposing_key(self.id))
        template = self.prompt_in_use(request)
        return LLMGenerator(client, self.row.task, template, self.demonstrations(template))

    @needs("propose")
    def generate(
        self, texts: Sequence[Example], request: GenerateRequest, progress: Progress = silent, key: str | None = None
    ) -> LlmReport:
        """Propose for every text; each text's proposals are verified and saved as they come. key: for the model's address.

        Texts without a flip that reads well are asked for again, up to request.repair rounds; the best try of each is tightened.
        """
        self.clients.confirm_address(request.llm)
        asks, teacher = self.asks(texts, request.first_sample, request.search.targets), self.teacher.classifier()
        if len(self.labels) > 2:
            cache.add_to_reply(self.db, self.id, self._aimed_key(), {ask.example.id: [ask.source, ask.target] for ask in asks})
        run = LlmRun(self.generator(request, key), self.pairs.add, progress, teacher, self._judge())
        self.clients.remember(request.llm)
        at_first = run.run(asks, request.n, request.repair)
        self._note(run, request.model_settings().model)
        return replace(run.report(len(asks), at_first), smaller=self._tightened(run, progress))

    def _judge(self) -> "Judge | None":
        """By whom the words of a try are weighed; None where asking the teacher would cost money or seconds."""
        from cod_core.counterfactuals.trial import Judge

        teacher = self.teacher.classifier()
        at_once = self.teacher.answers_at_once()
        return Judge(self.teacher.scorer(teacher), self.teacher.sensitivity(teacher)) if at_once else None

    def _note(self, run: LlmRun, model: str) -> None:
        """Remember how many texts each round took, and the texts for which no reply could be read: they were tried too."""
        if any(outcome.fresh for outcome in run.outcomes):  # answers on record tell the same a second time
            rate = self.rate(model).with_run(run.asked, run.done)
            cache.add_to_reply(self.db, self.id, self._rate_key(), {model: [list(rate.asked), list(rate.done)]})
        if unread := {i: "no text could be read from the replies" for i, tries in run.tries.items() if not tries}:
            cache.add_to_reply(self.db, self.id, self.draws.failed_key(), unread)

    def _tightened(self, run: LlmRun, progress: Progress) -> int:
        """Make the best try of each text smaller where it flips by several edits; how many there are of these now."""
        if not self.teacher.answers_at_once():
            return 0
        checks, smaller = self.pairs.state().checks, 0
        todo = [one.cf for one in run.best().values() if (check := checks.get(one.cf.id)) and check.valid and check.token_edits > 1]
        for done, cf in enumerate(todo):
            progress(done, len(todo), "taking back edits that are not needed")
            smaller += self.tightening.tighten(cf.id)[0].id != cf.id
        return smaller
