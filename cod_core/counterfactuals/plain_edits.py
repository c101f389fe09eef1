"""Candidate sources that need no vocabulary: a word deleted, a negation put in or taken out. Know no teacher."""

from cod_core.counterfactuals import words
from cod_core.counterfactuals.languages import ENGLISH, Language
from cod_core.counterfactuals.moves import Move
from cod_core.counterfactuals.sources import SearchContext


class Deletions:
    """`CandidateSource` "deletion": each editable word left out."""

    name, dear = "deletion", False

    def moves(self, context: SearchContext, n: int) -> list[Move]:
        """One move a place."""
        return [Move(p, p + 1, "", "delete", self.name) for p in context.places]


class Negations:
    """`CandidateSource` "negation": put in after an auxiliary (before a place in German and Chinese), or taken out."""

    name, dear = "negation", False

    def moves(self, context: SearchContext, n: int) -> list[Move]:
        """At most one move a token; none at a frozen one."""
        language = context.language
        if language.forms:
            return [m for i in range(len(context.spans)) if i not in context.frozen for m in self._english(context, i)]
        out = [
            Move(i, i + 1, "", "affirm", self.name)
            for i in range(len(context.spans))
            if context.word(i).lower() in language.negations and i not in context.frozen
        ]
        return out + self._insertions(context, language) if language.negation else out

    def _insertions(self, context: SearchContext, language: Language) -> list[Move]:
        late_first = sorted(context.places, reverse=True)  # the predicate stands late
        return [
            Move(p, p, language.negation, "negate", self.name)
            for p in late_first
            if p == 0 or context.word(p - 1).lower() not in language.negations
        ]

    def _english(self, context: SearchContext, i: int) -> list[Move]:
        word = context.word(i)
        plain = words.affirmed(word)
        if plain is not None:
            return [Move(i, i + 1, plain, "affirm", self.name)]
        following = context.word(i + 1) if i + 1 < len(context.spans) else ""
        if not words.negatable(word) or following.lower() in ENGLISH.negations:
            return []
        return [Move(i + 1, i + 1, "not", "negate", self.name)]
