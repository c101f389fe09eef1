"""Which words may take a word's place: English word forms, function words, capitals, a / an.

Word forms come from lemminflect's dictionary, a word's part in a sentence from TextBlob's rule-based tagger (both Penn
tags, no model files).
"""

from collections.abc import Sequence
from functools import lru_cache

FUNCTION_WORDS = frozenset(
    """
a an the this that these those my your his her its our their some any each every either neither both all such
i you he she it we they me him us them myself yourself himself herself itself ourselves themselves who whom whose
which what when where why how of in on at by for with about against between into through during before after above
below to from up down out off over under again further then once here there and or but nor so yet if because as
until while than though although unless since is am are was were be been being have has had having do does did doing
will would shall should can could may might must ought not no never n't isn't aren't wasn't weren't don't doesn't
didn't won't wouldn't can't cannot couldn't shouldn't hasn't haven't hadn't it's that's there's what's he's she's
i'm you're we're they're i've you've we've they've i'll you'll he'll she'll they'll i'd you'd he'd she'd they'd
s t d ll m re ve also just very too own same other another one two three film movie also
""".split()
) - {"film", "movie"}
NEGATIONS = frozenset(
    "not never no n't cannot isn't aren't wasn't weren't don't doesn't didn't won't wouldn't can't "
    "couldn't shouldn't hasn't haven't hadn't".split()
)
_AFFIRMED = {
    "isn't": "is",
    "aren't": "are",
    "wasn't": "was",
    "weren't": "were",
    "don't": "do",
    "doesn't": "does",
    "didn't": "did",
    "won't": "will",
    "wouldn't": "would",
    "can't": "can",
    "cannot": "can",
    "couldn't": "could",
    "shouldn't": "should",
    "hasn't": "has",
    "haven't": "have",
    "hadn't": "had",
}
_NEGATABLE = frozenset("is are was were does do did will would can could should has have had".split())


@lru_cache(maxsize=50_000)
def word_forms(word: str) -> frozenset[str]:
    """Penn tags that the word can carry by the dictionary; empty where it is unknown."""
    import lemminflect

    word = word.lower()
    found = set()
    for kind, lemmas in lemminflect.getAllLemmas(word).items():
        for lemma in lemmas:
            for tag, forms in lemminflect.getAllInflections(lemma, upos=kind).items():
                if word in forms:
                    found.add(tag)
    return frozenset(found)


def fits(word: str, other: str) -> bool:
    """Whether `other` can stand where `word` stands: they share a word form, or `word` is not in the dictionary."""
    forms = word_forms(word)
    return not forms or bool(forms & word_forms(other))


def tags(found: Sequence[str]) -> tuple[str, ...]:
    """A Penn tag a token, in context (Brill's rules, English lexicon of TextBlob)."""
    return _tags(tuple(found))


@lru_cache(maxsize=50_000)
def _tags(found: tuple[str, ...]) -> tuple[str, ...]:
    from textblob.en import parser

    return tuple(tag for _, tag in parser.find_tags(list(found))) if found else ()


def fits_tag(tag: str, other: str) -> bool:
    """Whether `other` can stand where a word tagged `tag` stands: it has that form, and is usually of that kind.

    Usually, not possibly: "lack" may be a verb and a noun, "a rock lack movie" reads like neither.
    """
    return tags((other,))[0][:2] == tag[:2] and tag in word_forms(other)


def can_modify(word: str) -> bool:
    """Whether the word can stand before a noun: an adjective, or a singular noun ("football talks")."""
    return tags((word,))[0] in ("JJ", "NN") and bool(word_forms(word) & {"JJ", "NN"})


def is_function_word(word: str) -> bool:
    """Articles, pronouns, prepositions, auxiliaries and their kind: never replaced."""
    return word.lower().replace("’", "'") in FUNCTION_WORDS


def like(word: str, model: str) -> str:
    """`word` in the capitals of `model`: all capitals, a leading one, or as it is."""
    if len(model) > 1 and model.isupper():
        return word.upper()
    return word[:1].upper() + word[1:] if model[:1].isupper() else word


def article_for(article: str, word: str) -> str:
    """'a' or 'an' (capitals kept) before `word`; any other word unchanged."""
    if article.lower() not in ("a", "an") or not word:
        return article
    sounds = word.lower()
    vowel = sounds[0] in "aeiou" and not sounds.startswith(("uni", "use", "usu", "eu", "one", "once"))
    vowel = vowel or sounds.startswith(("hour", "honest", "honor", "heir"))
    return like("an" if vowel else "a", article if len(article) == 1 or article[0].islower() else article[0] + "n")


def affirmed(word: str) -> str | None:
    """The word without its negation ("isn't" -> "is"), "" where it is nothing but one, None where it has none."""
    lower = word.lower().replace("’", "'")
    if lower in ("not", "never", "n't"):
        return ""
    return like(_AFFIRMED[lower], word) if lower in _AFFIRMED else None


def negatable(word: str) -> bool:
    """Whether "not" can follow the word: forms of be, do, have and the modals."""
    return word.lower() in _NEGATABLE
