"""Which language a text seems to be in, as far as editing needs it: function words, negations, spaces.

English and German have word lists, scripts without spaces are told by their characters, everything else is edited
without lists: any word may be replaced by any. Knows no model.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from cod_core.counterfactuals.words import FUNCTION_WORDS, NEGATIONS
from cod_core.text import is_unspaced, tokens


@dataclass(frozen=True)
class Language:
    """code: ISO 639-1, or 'und'. function_words: never replaced. negations: taken out whole. negation: put in, "" for none.

    forms: whether English word forms, articles and auxiliaries apply. spaced: whether blanks part its words.
    """

    code: str
    function_words: frozenset[str] = frozenset()
    negations: frozenset[str] = frozenset()
    negation: str = ""
    forms: bool = False
    spaced: bool = True


ENGLISH = Language("en", FUNCTION_WORDS, NEGATIONS, "not", forms=True)
GERMAN = Language(
    "de",
    frozenset(
        """
der die das den dem des ein eine einer eines einem einen kein keine keiner keines keinem keinen dieser diese dieses
diesem diesen jener jene jenes jeder jede jedes mein meine dein deine sein seine seiner seinem seinen ihr ihre ihrer
ihrem ihren unser unsere euer eure ich du er sie es wir mich dich ihn uns euch mir dir ihm ihnen sich wer wen wem was
welcher welche welches und oder aber denn sondern weil dass ob wenn als wie so da dort hier in im an am auf aus bei
beim mit nach von vom zu zum zur für über unter vor hinter zwischen durch gegen ohne um bis seit während wegen ist
sind war waren bin bist sei wäre hat haben habe hatte hatten wird werden wurde wurden worden kann können konnte
muss müssen soll sollen sollte will wollen darf dürfen mag nicht nie niemals nichts auch noch nur schon sehr mehr
man doch ja nein etwas alle alles viel
""".split()
    ),
    frozenset("nicht nie niemals".split()),
    "nicht",
)
CHINESE = Language(
    "zh", frozenset("的了在是和与及或也都就而但这那我你他她它们个为以于之其有被把从到对"), frozenset(("不", "没")), "不", spaced=False
)
JAPANESE = Language("ja", frozenset("のにはをたがでてとしれさもなかられまるす"), frozenset(), "", spaced=False)
UNKNOWN = Language("und")


def language_of(text: str, usual: Language | None = None) -> Language:
    """The language whose function words the text has most of (a twelfth of its words at least), else `usual`, that of the
    texts around it, else UNKNOWN.

    A text without any known function word counts as English where it is plain ASCII and nothing is usual: snippets such as
    "Great film".
    """
    found, says_so = _seems(text)
    return found if says_so or usual is None else usual


def usual_language(texts: Iterable[str]) -> Language | None:
    """The language of most of the texts that say theirs; None where it is English, or none says it."""
    told = Counter(found for found, says_so in map(_seems, texts) if says_so)
    most = told.most_common(1)
    return most[0][0] if most and most[0][0] is not ENGLISH else None


@lru_cache(maxsize=4096)
def _seems(text: str) -> tuple[Language, bool]:
    """(language of a text, whether its words or its script say so)."""
    found = [t.lower().replace("’", "'") for t in tokens(text) if t[0].isalpha()]
    unspaced = [t for t in found if is_unspaced(t[0])]
    if len(unspaced) * 2 > len(found):
        return JAPANESE if any("\u3040" <= t[0] <= "\u30ff" for t in unspaced) else CHINESE, True
    if not found:
        return UNKNOWN, False
    shares = {one.code: sum(t in one.function_words for t in found) / len(found) for one in (ENGLISH, GERMAN)}
    best = max((ENGLISH, GERMAN), key=lambda one: shares[one.code])
    if shares[best.code] >= 1 / 12:
        return best, True
    return ENGLISH if text.isascii() and max(shares.values()) == 0 else UNKNOWN, False
