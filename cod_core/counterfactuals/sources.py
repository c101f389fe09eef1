"""What the search plugs in: candidate sources, and a judge of fluency. Protocols and the values they exchange.

A source proposes single moves for one text; it knows neither the teacher nor the other sources. The search scores
what they propose, joins moves, and names the source in each proposal. Any number may be switched on.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from cod_core.counterfactuals.languages import ENGLISH, Language
from cod_core.counterfactuals.moves import Move
from cod_core.counterfactuals.pieces import Piece


@dataclass(frozen=True)
class SearchContext:
    """One text to be changed. spans: of its tokens, in characters. source, target: the classes before and aimed at.

    influence: a number a token, larger where the token holds the text back from the target. places: token positions
    that may be edited, most influential first (frozen and function words are left out). task: the project's question.
    language: of the text; tags: a Penn tag a token where it is English. own_words: of the project's texts, in lower case.
    pieces: what is one thing though it is several tokens (pieces.py); none of their tokens is among the places.
    """

    text: str
    spans: tuple[tuple[int, int], ...]
    source: str
    target: str
    places: tuple[int, ...]
    influence: tuple[float, ...] = ()
    labels: tuple[str, ...] = ()
    task: str = ""
    language: Language = ENGLISH
    frozen: frozenset[int] = field(default_factory=frozenset)
    tags: tuple[str, ...] = ()
    own_words: frozenset[str] = frozenset()
    pieces: tuple[Piece, ...] = ()

    @property
    def english(self) -> bool:
        """Whether English word forms and articles apply."""
        return self.language.forms

    def word(self, position: int) -> str:
        """The token at a position."""
        return self.text[slice(*self.spans[position])]


@runtime_checkable
class CandidateSource(Protocol):
    """Where single edits come from. name: shown beside each proposal; dear: asked only when cheaper ones failed."""

    name: str
    dear: bool

    def moves(self, context: SearchContext, n: int) -> Sequence[Move]:
        """Up to n moves a place, best first, none of which touches a frozen token. [] where it has none.

        May raise EndpointError; the search then goes on without the source and says so.
        """
        ...


@runtime_checkable
class Fluency(Protocol):
    """How well texts read. name: what measures it, shown on screen ("gemma3-270m, mean NLL a token").

    Called with texts, returns (n,) mean negative log-likelihood a token in nats, lower reads better. The fluency
    ratio of a proposal is judge([x'])[0] / judge([x])[0].
    """

    name: str

    def __call__(self, texts: Sequence[str]) -> Sequence[float]: ...
