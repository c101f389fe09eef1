"""Language models in a project: the one on this computer, the prompt study, 'try again', fluency."""

from dataclasses import asdict
from pathlib import Path

from cod_core.counterfactuals import verify
from cod_core.errors import BadInput
from cod_core.models.encoder import weights_revision
from cod_core.progress import Progress, silent
from cod_core.store import cache, items, projects
from cod_core.text import short_hash, text_hash
from cod_core.types import Counterfactual
from cod_core.workspace.base import Base


class Prompting(Base):
    """Which prompt, which model, how well its texts read."""

    def local_llm_name(self) -> str | None:
        """The packaged language model's name where it is installed, else None. Loads nothing."""
        from cod_core.models.gguf import PACKAGED, packaged_llm_installed

        return PACKAGED if packaged_llm_installed() else None

    def local_llm(self, name: str):
        """A language model on this computer, loaded once, and again where its folder has changed. Raises ModelUnavailable."""
        from cod_core.models.local_llm import LocalLLM

        held = weights_revision(name) if Path(name).is_dir() else ""
        return self._once(("local llm", name, held), lambda: LocalLLM(name, self.settings.folder("llm")))

    def prompt_choices(self) -> dict[str, str]:
        """Prompt id -> what it asks, in plain words; the default first."""
        from cod_core.counterfactuals.prompts import choices

        return choices()

    def prompt_in_use(self, pid: str, params: dict) -> str:
        """The prompt that a run with these params would use."""
        from cod_core.workspace.llm import settings_of, template_of

        return template_of(self, pid, params, settings_of(params))

    def study_prompts(self, pid: str, params: dict, progress: Progress = silent, key: str | None = None) -> dict:
        """Try several prompts on the same texts and compare what comes of them. Proposals are not added to the project;
        their replies are kept, so using the best prompt afterwards asks nothing again.

        params: k texts, n candidates, llm as for generate, templates (all that fit where absent).
        Returns {"rows": PromptResult as dicts, "best": id or None, "model", "texts", "made_at"}; see prompt_study.
        """
        from cod_core.counterfactuals import study
        from cod_core.types import now
        from cod_core.workspace import llm

        texts = self.candidates(pid, int(params.get("k", 8)))
        if not texts:
            raise BadInput(
                "There are no labelled training texts to try prompts on. Add texts on the Data page, or with the command import."
            )
        llm.name_endpoint_of(self, pid, params)
        asks, titles = llm.asks_for(self, pid, texts), self.prompt_choices()
        names = list(params.get("templates") or self._fitting(params))
        rows = []
        for done, name in enumerate(names):
            title = titles.get(name, name)

            def stepped(i: int, total: int, message: str = "", at: int = done, said: str = title) -> None:
                progress(at * len(asks) + i, len(names) * len(asks), said)

            rows.append(study.summarise(name, title, self._try_prompt(pid, name, asks, params, key, stepped)))
        found = study.best(rows)
        settings = llm.settings_of(params)
        out = {
            "rows": [asdict(r) for r in rows],
            "best": found.template if found else None,
            "model": settings.model,
            "host": settings.host,
            "texts": len(texts),
            "made_at": now(),
        }
        cache.put_reply(self.db, pid, f"study:{pid}", out)
        return out

    def _fitting(self, params: dict) -> list[str]:
        """The prompts that suit the model: those to be continued for plain local models, the others for chat models."""
        from cod_core.counterfactuals import prompts
        from cod_core.workspace import llm

        line = llm.default_template(llm.settings_of(params)) == prompts.LINE_TEMPLATE
        return [i for i in prompts.choices() if (prompts.template(i).shape in prompts.ONE_LINE) == line]

    def _try_prompt(self, pid: str, name: str, asks, params: dict, key: str | None, progress: Progress) -> list:
        """What one prompt gives for each ask, verified but not stored as proposals."""
        from cod_core.counterfactuals.study import Tried
        from cod_core.workspace import llm

        generator = llm.generator_of(self, pid, {**params, "template": name}, key)
        teacher, found = self.teacher(pid), {}

        def keep(ask, proposals) -> None:
            cfs = list(proposals.counterfactuals)
            checks = {c.counterfactual_id: c for c in verify.verify([(ask.example.text, cf) for cf in cfs], teacher, self.encoder().encode)}
            ordered = [checks[cf.id] for cf in verify.first_offer(cfs, checks)]
            found[ask.example.id] = Tried(ordered, proposals.dropped, proposals.tokens_in, proposals.tokens_out, proposals.price_usd)

        llm.run_asks(generator, asks, generator.client.settings.n, keep, progress)
        return [found.get(a.example.id, Tried((), answered=False)) for a in asks]

    def prompt_study(self, pid: str) -> dict | None:
        """The newest prompt study, as study_prompts returned it."""
        return cache.get_reply(self.db, f"study:{pid}")

    def use_prompt(self, pid: str, model: str, template: str) -> None:
        """Use a prompt for this model from now on. Raises BadInput for an unknown one."""
        from cod_core.counterfactuals.prompts import template as known

        chosen = {**(self.project(pid).settings.get("prompts") or {}), model: known(template).id}
        projects.update_settings(self.db, pid, {"prompts": chosen})

    def last_llm(self, pid: str) -> dict | None:
        """The language model that the project used last ({base_url, model, ...} or {local}), without a key."""
        return self.project(pid).settings.get("llm")

    def propose_again(self, pid: str, example_id: str, keep: tuple[str, ...] = (), n: int = 2, key: str | None = None) -> dict:
        """New proposals for one text by the language model used last, asked for the next samples; `keep` names phrases
        that must stay as they are. key: for that model's address. Where a proposal of the model exists the request goes on from it.

        Returns {"added", "flipped", "messages"}. Raises BadInput where no model was used yet, or a phrase is not there.
        """
        from cod_core.counterfactuals.llm import Ask
        from cod_core.counterfactuals.prompts import LastTry
        from cod_core.workspace import llm

        chosen = self.last_llm(pid)
        if not chosen:
            raise BadInput("No language model was used in this project yet. Choose one on the Proposals page.")
        example = items.example(self.db, pid, example_id)
        mine = [cf for cf in items.counterfactuals(self.db, pid) if cf.example_id == example_id]
        told = [cf for cf in mine if cf.origin.kind == "llm" and cf.raw_reply]
        again = cache.get_reply(self.db, f"again:{pid}:{example_id}") or {"sample": 100}
        generator = llm.generator_of(self, pid, {"llm": chosen, "n": n}, key)
        before = self.teacher(pid).predict([example.text])[0]
        last = LastTry(told[-1].raw_reply, told[-1].text) if told and keep else None
        ask = Ask(example, before.label, verify.target_of(before), again["sample"], tuple(keep), last)
        found: list[Counterfactual] = []
        outcome = llm.run_asks(generator, [ask], n, lambda _, p: found.extend(p.counterfactuals), silent)
        cache.put_reply(self.db, pid, f"again:{pid}:{example_id}", {"sample": again["sample"] + n})
        known = {cf.text for cf in mine}
        fresh = [cf for cf in found if cf.text not in known]
        flipped = self.add_proposals(pid, [(example, cf) for cf in fresh])
        return {"added": len(fresh), "flipped": flipped, "messages": list(outcome.sentences)}

    # ------------------------------------------------------------ fluency

    def fluency_judge(self, pid: str):
        """What measures fluency here: the packaged language model where installed, else word pairs of the project's own
        texts; None where the project holds no text. Its name says which; nothing is loaded."""
        from cod_core.models.fluency import LMFluency, WordPairFluency

        if (name := self.local_llm_name()) is not None:
            return self._once(("fluency", name), lambda: LMFluency(name, lambda: self.local_llm(name)))
        texts = [e.text for e in items.examples(self.db, pid, split="train")]
        return self._once(("fluency", pid, len(texts)), lambda: WordPairFluency(texts)) if texts else None

    def measure_fluency(self, pid: str, progress: Progress = silent) -> dict:
        """Let the judge read every proposal and its original, once; slow with a language model, so a job.

        Returns {"read": pairs measured, "judge": name or None}."""
        judge = self.fluency_judge(pid)
        texts = {e.id: e.text for e in items.examples(self.db, pid)}
        found = items.counterfactuals(self.db, pid)
        pairs = [(texts[cf.example_id], cf.text) for cf in found if cf.example_id in texts]
        for at in range(0, len(pairs) if judge else 0, 16):
            progress(at, len(pairs), "reading the proposals")
            self.fluency(pid, pairs[at : at + 16])
        progress(len(pairs), len(pairs), "done")
        return {"read": len(pairs) if judge else 0, "judge": judge.name if judge else None}

    def llm_source_names(self, pid: str) -> dict[str, str]:
        """Name of each source of llm_sources that this project could use now -> host that texts go to, "" for none."""
        from cod_core.counterfactuals.llm_sources import ChatWords, LocalWords
        from cod_core.workspace import llm

        found = {} if (name := self.local_llm_name()) is None else {LocalWords.named(name): ""}
        if (last := self.last_llm(pid)) and last.get("base_url"):
            settings = llm.settings_of({"llm": last})
            found[ChatWords.named(settings.model)] = settings.host
        return found

    def llm_sources(self, pid: str, names) -> list:
        """Candidate sources of the search that ask a language model, of those named: 'likely words of MODEL' for the
        packaged one where it is installed, 'words of MODEL' for the chat model used last."""
        from cod_core.counterfactuals.llm_sources import ChatWords, LocalWords
        from cod_core.workspace import llm

        found = []
        if (name := self.local_llm_name()) is not None:
            found.append(LocalWords(name, lambda: self.local_llm(name)))
        if (last := self.last_llm(pid)) and last.get("base_url"):
            found.append(ChatWords(llm.client_of(self, pid, llm.settings_of({"llm": last}))))
        return [one for one in found if one.name in (names or ())]

    def fluency(self, pid: str, pairs: list[tuple[str, str]], measure: bool = True) -> list[float | None]:
        """Fluency ratio of each (original, changed) pair: above 1 it reads worse. Kept by text, so measured once.

        measure: False reads what is on record only and leaves None where a text was not measured.
        """
        from cod_core.models.fluency import ratio

        judge = self.fluency_judge(pid)
        if judge is None or not pairs:
            return [None] * len(pairs)
        texts = list(dict.fromkeys(t for pair in pairs for t in pair))
        own = short_hash(pid, judge.name) if self.local_llm_name() is None else ""
        known = cache.get_predictions(self.db, "fluency", judge.name + own, [text_hash(t) for t in texts])
        missing = [t for t in texts if text_hash(t) not in known] if measure else []
        for at in range(0, len(missing), 32):
            chunk = missing[at : at + 32]
            new = {text_hash(t): (float(v),) for t, v in zip(chunk, judge(chunk)) if v == v}
            cache.put_predictions(self.db, "fluency", judge.name + own, new)
            known |= new
        nll = {t: known[text_hash(t)][0] for t in texts if text_hash(t) in known}
        return [ratio(nll.get(a), nll.get(b)) for a, b in pairs]
