"""The prompt study: several prompts tried on the same texts, and what comes of each."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from cod_core.counterfactuals import verify
from cod_core.counterfactuals.options import StudyRequest
from cod_core.counterfactuals.study import PromptResult, Tried, best, summarise
from cod_core.errors import BadInput
from cod_core.progress import Progress, silent
from cod_core.project.draws import Draws
from cod_core.project.models import Models
from cod_core.project.place import Place, Room, needs
from cod_core.project.proposals.llm import LanguageModel, default_template
from cod_core.project.proposals.llm_run import run_asks
from cod_core.project.teacher.clients import Clients
from cod_core.project.teacher.teacher import Teacher
from cod_core.store import cache
from cod_core.types import now

if TYPE_CHECKING:
    from cod_core.counterfactuals.llm import Ask, Proposals


@dataclass(frozen=True)
class PromptStudy:
    """What a study came to. rows: one a prompt. best: id of the prompt to use, None where none flips the teacher.

    model, host: which model wrote, and where. texts: tried on. made_at: when.
    """

    rows: tuple[PromptResult, ...]
    best: str | None
    model: str
    texts: int
    host: str = ""
    made_at: str = ""

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> "PromptStudy":
        """As it is kept in the store."""
        return cls(**{**stored, "rows": tuple(PromptResult(**row) for row in stored["rows"])})

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "rows": [asdict(row) for row in self.rows]}


class PromptStudies(Room):
    """Which prompt suits a model."""

    def __init__(self, place: Place, models: Models, clients: Clients, teacher: Teacher, draws: Draws, llm: LanguageModel):
        super().__init__(place)
        self.models = models
        self.clients = clients
        self.teacher = teacher
        self.draws = draws
        self.llm = llm

    def check(self, request: StudyRequest) -> None:
        """Raises CodError where the request names an address or a folder that only an owner may name."""
        self.clients.check(request.llm)

    @needs("propose")
    def study(self, request: StudyRequest, progress: Progress = silent, key: str | None = None) -> PromptStudy:
        """Try several prompts on the same texts and compare what comes of them. Proposals are not added to the project;
        their replies are kept, so using the best prompt afterwards asks nothing again. See `latest`."""
        from cod_core.counterfactuals import prompts

        texts = self.draws.candidates(request.k)
        if not texts:
            raise BadInput(
                "There are no labelled training texts to try prompts on. Add texts on the Data page, or with the command import."
            )
        self.clients.confirm_address(request.llm)
        asks, titles = self.llm.asks(texts), prompts.choices()
        names, rows = request.templates or self._fitting(request), []
        for done, name in enumerate(names):
            title = titles.get(name, name)

            def stepped(i: int, total: int, message: str = "", before: int = done * len(asks), title: str = title) -> None:
                progress(before + i, len(names) * len(asks), title)

            rows.append(summarise(name, title, self._try_prompt(name, asks, request, key, stepped)))
        recommended, settings = best(rows), request.llm.settings(request.n)
        study = PromptStudy(
            rows=tuple(rows),
            best=recommended.template if recommended else None,
            model=settings.model,
            texts=len(texts),
            host=settings.host,
            made_at=now(),
        )
        cache.put_reply(self.db, self.id, self._kept_at(), study.to_json())
        return study

    def _fitting(self, request: StudyRequest) -> tuple[str, ...]:
        """The prompts that suit the model: those to be continued for plain local models, the others for chat models."""
        from cod_core.counterfactuals import prompts

        line = default_template(request.llm.settings(request.n)) == prompts.LINE_TEMPLATE
        return tuple(i for i in prompts.choices() if (prompts.template(i).shape in prompts.ONE_LINE) == line)

    def _try_prompt(self, name: str, asks: "Sequence[Ask]", request: StudyRequest, key: str | None, progress: Progress) -> list[Tried]:
        """What one prompt gives for each ask, verified but not stored as proposals."""
        generator, tried = self.llm.generator(request.with_template(name), key), {}

        def keep(ask: "Ask", proposals: "Proposals") -> None:
            tried[ask.example.id] = self._verified(ask, proposals)

        run_asks(generator, asks, request.n, keep, progress)
        return [tried.get(ask.example.id, Tried((), answered=False)) for ask in asks]

    def _verified(self, ask: "Ask", proposals: "Proposals") -> Tried:
        """The verdicts on what came of one ask, the one that would be offered first."""
        cfs = list(proposals.counterfactuals)
        pairs = [(ask.example.text, cf) for cf in cfs]
        checks = {c.counterfactual_id: c for c in verify.verify(pairs, self.teacher.classifier(), self.models.encoder().encode)}
        offered = [checks[cf.id] for cf in verify.first_offer(cfs, checks)]
        return Tried(offered, proposals.dropped, proposals.tokens_in, proposals.tokens_out, proposals.price_usd)

    def _kept_at(self) -> str:
        return f"study:{self.id}"

    def latest(self) -> PromptStudy | None:
        """The newest prompt study."""
        stored = cache.get_reply(self.db, self._kept_at())
        return None if stored is None else PromptStudy.of(stored)
