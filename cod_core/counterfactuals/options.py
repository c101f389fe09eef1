"""What a person may ask of a run that makes counterfactuals: frozen values, read from JSON and checked here alone.

A job keeps its parameters as JSON and the command line hands over plain values: each type reads such a mapping (`of`) and
gives back what is not the default (`to_json`). Knows no project: whether a label or a source exists is checked where
they are known. Holds no key.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Literal, get_args

from cod_core.errors import BadInput

if TYPE_CHECKING:
    from cod_core.counterfactuals.trial import SearchSettings
    from cod_core.models.chat import LLMSettings
    from cod_core.models.local_chat import LocalSettings

Generator = Literal["search", "llm"]
Mode = Literal["minimal", "confidence"]
GENERATORS: tuple[Generator, ...] = get_args(Generator)
MODES: tuple[Mode, ...] = get_args(Mode)
By = Literal["anything", "best", "splices", "words"]
WAYS: tuple[By, ...] = get_args(By)
IN_TURN = "in turn"
MOST_REPAIRS = 3  # rounds after the first: by the fourth a model that can flip a text has done so
SURE = 0.95  # p(target) from which a small model learns a change well


def _within(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise BadInput(f"{name} must lie between {low} and {high}; got {value}.")


def _check_k(k: int) -> None:
    if k < 1:
        raise BadInput(f"The number of texts must be 1 or more, not {k}.")


@dataclass(frozen=True)
class SearchOptions:
    """What a search for counterfactuals looks for.

    targets: "in turn", so that each other class is aimed at as often, "nearest", "all" other classes, or one label.
    sources: names of candidate sources, () for all. frozen: words and phrases that must stay. budget: texts scored a text,
    0 for the usual. confidence: offer flips of p(target) .5 to .8 first. at_least: p(target) below which more edits are
    added, while budget and size allow it. second: a line through the students' encoder that follows the teacher has to
    share each flip. encoder: name of another one for related words, "" for the students'. max_fraction: most tokens edited
    as a share of the text's, 0 for the usual. by: where proposals come from and what is offered: "anything" that flips the
    teacher by changed words; "words" and "splices" (stretches of the person's own texts) only what independent judges accept;
    "best" lets those two compete on the first texts. missing: only texts that have no flip yet. Raises BadInput where a value
    has no meaning.
    """

    targets: str = IN_TURN
    sources: tuple[str, ...] = ()
    frozen: tuple[str, ...] = ()
    budget: int = 0
    confidence: bool = False
    at_least: float = 0.0
    second: bool = False
    encoder: str = ""
    max_fraction: float = 0.0
    by: str = "anything"
    missing: bool = False

    def __post_init__(self) -> None:
        if self.by not in WAYS:
            raise BadInput(f"Proposals are made by one of {', '.join(WAYS)}, not {self.by!r}.")
        if self.budget < 0:
            raise BadInput(f"The budget of a search must be 1 or more, or 0 for the usual, not {self.budget}.")
        _within("at_least", self.at_least, 0, 1)
        _within("max_fraction", self.max_fraction, 0, 1)

    @classmethod
    def of(cls, values: Mapping[str, Any] | None) -> "SearchOptions":
        """From plain values; None, "" and [] stand for the default. Raises BadInput for an unknown name or a bad value."""
        return cls(**_read(cls, values, "a search"))

    def to_json(self) -> dict[str, Any]:
        """The plain values that are not the default: `SearchOptions.of` reads them back."""
        return _plain(self)

    def clear(self) -> "SearchOptions":
        """The same search for changes that a small model can learn from: sure ones, shared by a second judge."""
        return replace(self, second=True, at_least=SURE)

    def tried_as(self, usual_budget: int) -> dict[str, Any]:
        """What a text searched with these options is remembered by: the plain values but `targets` and a usual budget."""
        return {k: v for k, v in self.to_json().items() if k not in ("targets", "missing") and (k, v) != ("budget", usual_budget)}

    def settings(self, usual_budget: int) -> "SearchSettings":
        """The numbers that the search itself runs on. usual_budget: texts scored where these options name none."""
        from cod_core.counterfactuals.tighten import BAND
        from cod_core.counterfactuals.trial import SearchSettings

        made = SearchSettings(self.budget or usual_budget, at_least=self.at_least, band=BAND if self.confidence else None)
        return replace(made, max_fraction=self.max_fraction) if self.max_fraction else made


@dataclass(frozen=True)
class LlmOptions:
    """Which language model is asked: at an address (base_url, model) or on this computer (local: name, folder, GGUF file).

    None: not given, so that the client's own default holds. price_in, price_out: USD a million tokens. without: what is not
    sent to this model (names of models.quirks.SWITCHES). Holds no key.
    Raises BadInput where a value is out of range; whether a model is named at all is checked by `settings`.
    """

    base_url: str = ""
    model: str = ""
    local: str = ""
    temperature: float | None = None
    max_in_flight: int | None = None
    price_in: float | None = None
    price_out: float | None = None
    without: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.temperature is not None and not 0 <= self.temperature <= 2:
            raise BadInput(f"The temperature must lie between 0 and 2; got {self.temperature}.")
        if self.max_in_flight is not None:
            _within("max_in_flight", self.max_in_flight, 1, 64)

    @classmethod
    def of(cls, values: Mapping[str, Any] | None) -> "LlmOptions":
        """From plain values; None and "" stand for not given. Raises BadInput for an unknown name or a bad value."""
        return cls(**_read(cls, values, "a language model"))

    def to_json(self) -> dict[str, Any]:
        """The plain values that were given: what a project remembers of the model it used last."""
        return _plain(self)

    @property
    def named(self) -> bool:
        """Whether a model on this computer or an address is named."""
        return bool(self.local or self.base_url.strip())

    def settings(self, n: int = 4) -> "LLMSettings | LocalSettings":
        """The settings of a client for n answers a text. Raises BadInput where no model is named, or as those settings do."""
        if self.local:
            from cod_core.models.local_chat import LocalSettings

            return LocalSettings(self.local, 0.7 if self.temperature is None else float(self.temperature), n)
        from cod_core.models.chat import LLMSettings

        if not self.named:
            raise BadInput("Give the address of the model (base_url). Nothing is sent anywhere that you did not name.")
        if not self.model.strip():
            raise BadInput("Give the name of the model too (model), as the service lists it. None is chosen for you.")
        return LLMSettings(**{**self.to_json(), "without": self.without}, n=n)


@dataclass(frozen=True)
class GenerateRequest:
    """One run of a generator over the first k balanced texts, n proposals each; the parameters of a job "generate".

    For generator "llm": template: id of a prompt, "" for the project's. repair: rounds in which texts without a flip that
    reads well are asked for again, 3 at most. first_sample: number of the first answer, above 0 for answers that were not
    given before. labels: only untouched texts of these, () for texts of all labels. batch: send all requests of a round together
    and have them answered within a day, at half the price where the service takes batches.
    """

    k: int = 16
    n: int = 4
    generator: Generator = "search"
    search: SearchOptions = SearchOptions()
    llm: LlmOptions = LlmOptions()
    template: str = ""
    repair: int = 0
    first_sample: int = 0
    labels: tuple[str, ...] = ()
    batch: bool = False

    def __post_init__(self) -> None:
        if self.batch:
            self._check_batch()
        if self.generator not in GENERATORS:
            raise BadInput(f"The generator is one of {', '.join(GENERATORS)}, not {self.generator!r}.")
        _check_k(self.k)
        if self.generator == "search" and self.n < 1:
            raise BadInput(
                "The number of alternatives and the budget of a search must be 1 or more, "
                f"not {self.n} and {self.search.budget or 'the usual'}."
            )
        if self.generator == "llm":
            _within("n", self.n, 1, 50)
            if self.repair > MOST_REPAIRS:
                raise BadInput(
                    f"A language model is asked in {MOST_REPAIRS + 1} rounds at most, {MOST_REPAIRS} after the first; got {self.repair}."
                )
        for name, value in (("repair", self.repair), ("first_sample", self.first_sample)):
            if value < 0:
                raise BadInput(f"{name} must be 0 or more, not {value}.")

    @classmethod
    def of(cls, params: Mapping[str, Any]) -> "GenerateRequest":
        """From a job's parameters, where the options of the search stand beside the others and those of the model under
        "llm". Raises BadInput for an unknown name or a bad value."""
        of_search, own = _names(SearchOptions), [name for name in _names(cls) if name != "search"]
        _refuse_unknown(params, (*own, *of_search), "a run that proposes")
        search = SearchOptions.of({k: v for k, v in params.items() if k in of_search})
        return cls(**_read(cls, {k: v for k, v in params.items() if k in own}, "a run that proposes"), search=search)

    def to_json(self) -> dict[str, Any]:
        """The parameters of the job, as `GenerateRequest.of` reads them."""
        others = {name: value for name, value in _plain(self).items() if name != "search"}
        return {"k": self.k, "generator": self.generator, "n": self.n, **others, **self.search.to_json()}

    def model_settings(self) -> "LLMSettings | LocalSettings":
        """The client's settings for a run with a language model, a batch's prices included. Raises BadInput as LlmOptions.settings."""
        from cod_core.models.providers import BATCH_SHARE, takes_batches

        if not self.batch or not takes_batches(self.llm.base_url):
            return self.llm.settings(self.n)
        full = self.llm.price_in, self.llm.price_out
        price_in, price_out = (None if price is None else price * BATCH_SHARE for price in full)
        return replace(self.llm, price_in=price_in, price_out=price_out).settings(self.n)

    def _check_batch(self) -> None:
        from cod_core.models.providers import BY_ID, offered_at, takes_batches

        if self.generator != "llm" or self.llm.local:
            raise BadInput("Only a language model at a service can be asked in a batch.")
        if takes_batches(self.llm.base_url) is False:
            able = " and ".join(one.title for one in BY_ID.values() if one.batch)
            raise BadInput(
                f"{BY_ID[offered_at(self.llm.base_url)].title} takes no batches of OpenAI's kind; {able} do. Send the requests one by one."
            )


@dataclass(frozen=True)
class StudyRequest:
    """A prompt study on the first k balanced texts, n answers each; the parameters of a job "study".

    templates: ids of the prompts to try, () for all that fit the model.
    """

    k: int = 8
    n: int = 4
    llm: LlmOptions = LlmOptions()
    templates: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _check_k(self.k)
        _within("n", self.n, 1, 50)

    @classmethod
    def of(cls, params: Mapping[str, Any] | None) -> "StudyRequest":
        """From a job's parameters. Raises BadInput for an unknown name or a bad value."""
        return cls(**_read(cls, params, "a prompt study"))

    def to_json(self) -> dict[str, Any]:
        """The parameters of the job, as `StudyRequest.of` reads them."""
        return {"k": self.k, "n": self.n, **_plain(self)}

    def with_template(self, template: str) -> GenerateRequest:
        """The run of one prompt of the study."""
        return GenerateRequest(self.k, self.n, "llm", llm=self.llm, template=template)


@dataclass(frozen=True)
class TightenRequest:
    """Proposals made smaller; the parameters of a job "tighten". sources: kinds of origin ("llm", "import"), () for all.

    mode: "minimal" (fewest edits) or "confidence" (p(target) in .5 to .8, for probing the boundary).
    """

    mode: Mode = "minimal"
    sources: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise BadInput(f"The mode is one of {', '.join(MODES)}, not {self.mode!r}.")

    @classmethod
    def of(cls, params: Mapping[str, Any] | None) -> "TightenRequest":
        """From a job's parameters. Raises BadInput for an unknown name or a bad value."""
        return cls(**_read(cls, params, "tightening"))

    def to_json(self) -> dict[str, Any]:
        """The parameters of the job, as `TightenRequest.of` reads them."""
        return _plain(self)


# ---- reading and writing plain values

_ABSENT: tuple[object, ...] = (None, "", [], ())


def _names(of: type[Any]) -> tuple[str, ...]:
    return tuple(f.name for f in fields(of))


def _refuse_unknown(values: Mapping[str, Any], known: Collection[str], what: str) -> None:
    """Names what is not known, never its value, which may be a secret put in the wrong place."""
    unknown = sorted(str(name) for name in set(values) - set(known))
    if unknown:
        raise BadInput(f"There is no option {', '.join(map(repr, unknown))} of {what}; there are: {', '.join(known)}.")


def _read(of: type[Any], values: Mapping[str, Any] | None, what: str) -> dict[str, Any]:
    """The fields of `of` that plain values give, in the types of the fields' defaults."""
    values = values or {}
    _refuse_unknown(values, _names(of), what)
    given = {f: values[f.name] for f in fields(of) if f.name in values}
    return {f.name: _typed(f.name, value, f.default) for f, value in given.items() if value not in _ABSENT}


def _typed(name: str, value: Any, default: object) -> Any:
    """A plain value in the type of the default, None being a number. Numbers stay as they came: they are hashed as such."""
    if isinstance(default, LlmOptions):
        return LlmOptions.of(value)
    expected, fitting = "a number", isinstance(value, (int, float)) and not isinstance(value, bool)
    if isinstance(default, tuple):
        expected, fitting = "a list of texts", isinstance(value, (list, tuple)) and all(isinstance(one, str) for one in value)
    elif isinstance(default, str):
        expected, fitting = "text", isinstance(value, str)
    elif isinstance(default, bool):
        expected, fitting = "true or false", value in (True, False)
    elif isinstance(default, int):
        expected, fitting = "a whole number", fitting and (isinstance(value, int) or value.is_integer())
    if not fitting:
        raise BadInput(f"{name} must be {expected}, not {value!r}.")
    return type(default)(value) if isinstance(default, (tuple, int)) else value


def _plain(options: Any) -> dict[str, Any]:
    """What is not the default, as JSON holds it."""
    given = {f.name: getattr(options, f.name) for f in fields(options) if getattr(options, f.name) != f.default}
    return {name: list(v) if isinstance(v, tuple) else v.to_json() if hasattr(v, "to_json") else v for name, v in given.items()}
