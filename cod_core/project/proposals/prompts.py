"""The prompt study: several prompts tried on the same texts, and what comes of each."""

from dataclasses import asdict

from cod_core.counterfactuals import verify
from cod_core.errors import BadInput
from cod_core.progress import Progress, silent
from cod_core.project.draws import Draws
from cod_core.project.models import Models
from cod_core.project.place import Place, Room
from cod_core.project.proposals.llm import LanguageModel, default_template, run_asks
from cod_core.project.teacher.clients import Clients, settings_of
from cod_core.project.teacher.teacher import Teacher
from cod_core.store import cache


class PromptStudies(Room):
    """Which prompt suits a model."""

    def __init__(self, place: Place, models: Models, clients: Clients, teacher: Teacher, draws: Draws, llm: LanguageModel):
        super().__init__(place)
        self.models = models
        self.clients = clients
        self.teacher = teacher
        self.draws = draws
        self.llm = llm

    def study(self, params: dict, progress: Progress = silent, key: str | None = None) -> dict:
        """Try several prompts on the same texts and compare what comes of them. Proposals are not added to the project;
        their replies are kept, so using the best prompt afterwards asks nothing again.

        params: k texts, n candidates, llm as for generate, templates (all that fit where absent).
        Returns {"rows": PromptResult as dicts, "best": id or None, "model", "texts", "made_at"}; see `latest`.
        """
        from cod_core.counterfactuals import prompts, study
        from cod_core.types import now

        texts = self.draws.candidates(int(params.get("k", 8)))
        if not texts:
            raise BadInput(
                "There are no labelled training texts to try prompts on. Add texts on the Data page, or with the command import."
            )
        self.clients.confirm_address(params)
        asks, titles = self.llm.asks(texts), prompts.choices()
        names = list(params.get("templates") or self._fitting(params))
        rows = []
        for done, name in enumerate(names):
            title = titles.get(name, name)

            def stepped(i: int, total: int, message: str = "", at: int = done, said: str = title) -> None:
                progress(at * len(asks) + i, len(names) * len(asks), said)

            rows.append(study.summarise(name, title, self._try_prompt(name, asks, params, key, stepped)))
        found = study.best(rows)
        settings = settings_of(params)
        out = {
            "rows": [asdict(r) for r in rows],
            "best": found.template if found else None,
            "model": settings.model,
            "host": settings.host,
            "texts": len(texts),
            "made_at": now(),
        }
        cache.put_reply(self.db, self.id, f"study:{self.id}", out)
        return out

    def _fitting(self, params: dict) -> list[str]:
        """The prompts that suit the model: those to be continued for plain local models, the others for chat models."""
        from cod_core.counterfactuals import prompts

        line = default_template(settings_of(params)) == prompts.LINE_TEMPLATE
        return [i for i in prompts.choices() if (prompts.template(i).shape in prompts.ONE_LINE) == line]

    def _try_prompt(self, name: str, asks, params: dict, key: str | None, progress: Progress) -> list:
        """What one prompt gives for each ask, verified but not stored as proposals."""
        from cod_core.counterfactuals.study import Tried

        generator = self.llm.generator({**params, "template": name}, key)
        teacher, found = self.teacher.classifier(), {}

        def keep(ask, proposals) -> None:
            cfs = list(proposals.counterfactuals)
            checks = {
                c.counterfactual_id: c for c in verify.verify([(ask.example.text, cf) for cf in cfs], teacher, self.models.encoder().encode)
            }
            ordered = [checks[cf.id] for cf in verify.first_offer(cfs, checks)]
            found[ask.example.id] = Tried(ordered, proposals.dropped, proposals.tokens_in, proposals.tokens_out, proposals.price_usd)

        run_asks(generator, asks, generator.client.settings.n, keep, progress)
        return [found.get(a.example.id, Tried((), answered=False)) for a in asks]

    def latest(self) -> dict | None:
        """The newest prompt study, as `study` returned it."""
        return cache.get_reply(self.db, f"study:{self.id}")
