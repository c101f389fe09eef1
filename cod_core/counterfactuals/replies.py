"""From an LLM's raw reply to a text, or to the reason why it is none. Pure: knows no endpoint and no teacher.

Accepts the JSON that the prompt asks for, tagged and fenced replies, and plain text with a polite lead or a
remark after it. It never judges whether the text flips: only the teacher does.
"""

import json
import re
import unicodedata
from dataclasses import dataclass
from itertools import islice

import regex
from pydantic import AliasChoices, BaseModel, ConfigDict, Field, StrictStr, ValidationError

from cod_core.models.reply_tags import tagged, without_thoughts
from cod_core.settings import MAX_CHARS, MAX_REPLY_CHARS
from cod_core.text import CONTROL, TURNING, tokens

REASONS = {
    "empty": "the reply was empty",
    "refusal": "the model refused",
    "filter": "the service's content filter stopped the reply",
    "not_taken": "the service took the text once and not again",
    "not_answered": "the batch ended without the answer",
    "cut_off": "the reply broke off before its end",
    "not_parsed": "no text could be read from the reply",
    "unchanged": "the text came back unchanged",
    "too_long": f"the text was longer than {MAX_CHARS} characters",
    "echo": "the reply said the instructions again",
    "another_text": "the reply kept no word of the text",
    "duplicate": "the same text was proposed before",
    "kept_phrase_lost": "a phrase that was to be kept had changed",
}
_NAMES = ("counterfactual", "counterfactual_text", "new_text", "rewritten_text", "text", "output", "answer", "result")
_TAGS = (*_NAMES, "new", "rewritten", "cf")
_MOST_OBJECTS, _MOST_EDITS = 50, 200  # a reply with more braces, or with more edits, is no answer and is read no further
_MOST_NAMES, _MOST_QUOTES = 10, 200  # looked at in an object that is nearly JSON
_LOOSE_NAME = re.compile(rf"""(?<![\w'"“‘])['"“‘]?(?:{"|".join(_NAMES)})['"”’]?\s{{0,9}}:\s{{0,9}}(['"“‘])""")
_LOOSE_END = re.compile(r"""\s*+(?:,\s*+(?:['"“‘\w]|\})|\}|$)""")
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|[nrt\"'/\\])")
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "'": "'", "/": "/", "\\": "\\"}
_CODE = re.compile(r"```[\w-]*\n(.*?)\n?```", re.S)
_FENCE = re.compile(r"^=====TEXT [0-9a-f]{8}=====$", re.M)
_LEAD = re.compile(
    r"^(?:(?:sure|certainly|of course|okay|ok|absolutely|great)[!,.]?\s*)?"
    r"(?:here(?:'s|’s| is| are| you go)|below is|i(?:'ve|’ve| have) (?:changed|rewritten|edited|modified)|"
    r"(?:the )?(?:counterfactual|rewritten|revised|modified|edited|changed|new|adjusted|after)"
    r"(?: text| version| sentence)?)"
    r"[^:\n]{0,160}:\s*",
    re.I,
)
_BARE_LEAD = re.compile(r"^(?:sure|certainly|of course|okay|ok|absolutely)[!,.]?\s*(?:\n|$)", re.I)
_REMARK = re.compile(
    r"(?:\(?\*{0,2}(?:note|explanation|changes?(?: made)?|reasoning|rationale)\b|"
    r"\(?i (?:changed|replaced|kept|only|have)\b|this (?:version|rewrite|change|text)\b|the (?:change|edit|word)s?\b|"
    r"let me know\b|(?:feel free|hope)\b)",
    re.I,
)
_REFUSAL = re.compile(
    r"^(?:i['’]?m (?:very |really )?sorry|i am sorry|sorry,|"
    r"i (?:can['’]?t|cannot|can not|won['’]?t|am not able|am unable)|"
    r"i['’]?m (?:unable|not able)|as an ai\b|unfortunately, i)",
    re.I,
)


class JsonReply(BaseModel):
    """The object that the prompt asks for; other names that models use for the text are understood."""

    model_config = ConfigDict(extra="ignore")

    counterfactual: StrictStr = Field(validation_alias=AliasChoices(*_NAMES))


@dataclass(frozen=True)
class Parsed:
    """text, or None and the reason: a key of REASONS."""

    text: str | None
    reason: str | None = None


def parse_reply(content: str, original: str, refusal: str | None = None, finish_reason: str = "stop", shape: str = "text") -> Parsed:
    """The proposed text in a reply to a prompt about `original`, or why there is none. shape: the prompt's.

    No pattern sees more than MAX_REPLY_CHARS, and each takes time in proportion to what it sees.
    """
    if shape == "edits":
        return _from_edits(without_thoughts((content or "")[:MAX_REPLY_CHARS], original), original)
    if refusal or finish_reason == "content_filter":
        return Parsed(None, "refusal" if refusal else "filter")
    if len(content or "") > MAX_REPLY_CHARS:
        return Parsed(None, "too_long")
    body = _FENCE.sub("", without_thoughts(content or "", original)).strip()
    if not body:
        return Parsed(None, "cut_off" if finish_reason == "length" else "empty")
    found = _from_json(body)
    if found is None:
        found = next((inner.strip() for _, _, inner in tagged(body, _TAGS)), None)
    if found is None and (lost := _unreadable(body, original, finish_reason)):
        return Parsed(None, lost)
    return _judge(_FENCE.sub("", _from_plain(body, original) if found is None else found).strip(), original)


def _unreadable(body: str, original: str, finish_reason: str) -> str | None:
    """Why a reply without JSON and tags is no plain text either; None where it may be one."""
    if finish_reason == "length":
        return "cut_off"
    broken = body.startswith("{") and not original.lstrip().startswith("{") or body.startswith("```json")
    return "not_parsed" if broken else None


def _from_edits(content: str, original: str) -> Parsed:
    """The original with 'old words -> new words ; ...' done: each once, whole words only, those not found left out."""
    parts = [part.split("->") for part in content.strip().splitlines()[0].split(" ;")] if content.strip() else []
    pairs = [(part[0].strip(" ;"), part[1].strip(" ;")) for part in parts if len(part) == 2][:_MOST_EDITS]
    if not pairs:
        return Parsed(None, "not_parsed" if content.strip() else "empty")
    made: list[tuple[int, int, str]] = []
    for old, new in pairs:
        found = 0 < len(old) <= len(original) and regex.search(
            rf"(?<![\p{{L}}\p{{N}}]){regex.escape(old)}(?![\p{{L}}\p{{N}}])", original, regex.I
        )
        if found and not any(a < found.end() and found.start() < b for a, b, _ in made):
            made.append((found.start(), found.end(), _cased(new, found.group())))
    text = original
    for start, end, new in sorted(made, reverse=True):
        text = text[:start] + new + text[end:]
    return _judge(text, original)


def _cased(new: str, old: str) -> str:
    """A capital where the words replaced began with one."""
    return new[:1].upper() + new[1:] if old[:1].isupper() and new[:1].islower() else new


def _judge(text: str, original: str) -> Parsed:
    if not text.isascii():  # halves of a letter that JSON spells out are joined; one that stands alone is a letter lost
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    text = unicodedata.normalize("NFC", text)  # as uploaded texts are
    reason = _fault(text, original)
    return Parsed(text) if reason is None else Parsed(None, reason)


def _fault(text: str, original: str) -> str | None:
    """The first reason why a text is no proposal, None where it is one."""
    words = [w.casefold() for w in tokens(text)]
    if not words:
        return "empty" if not text else "not_parsed"
    if _refuses(text, original):
        return "refusal"
    if _garbled(text, original):
        return "not_parsed"
    if len(text) > MAX_CHARS:
        return "too_long"
    return "unchanged" if words == [w.casefold() for w in tokens(original)] else None


def _garbled(text: str, original: str) -> bool:
    """Control characters, a direction turned, letters lost on the way, or nothing but signs where the original has words."""
    if CONTROL.search(text) or TURNING.search(text) and not TURNING.search(original) or "\ufffd" in text and "\ufffd" not in original:
        return True
    return any(c.isalnum() for c in original) and not any(c.isalnum() for c in text)


def _refuses(text: str, original: str) -> bool:
    """An apology that shares little with the original; a text that begins so itself is no refusal."""
    if not _REFUSAL.match(text) or _REFUSAL.match(original):
        return False
    known = {w.casefold() for w in tokens(original)}
    words = [w.casefold() for w in tokens(text)]
    return sum(w in known for w in words) < 0.5 * len(words)


def _from_json(body: str) -> str | None:
    """The text of the first JSON object in the body that holds one."""
    decoder = json.JSONDecoder(strict=False)  # models leave real line breaks inside strings
    for at in (m.start() for m in islice(re.finditer(r"\{", body), _MOST_OBJECTS)):
        try:
            value, _ = decoder.raw_decode(body, at)
            return JsonReply.model_validate(value).counterfactual
        except (ValueError, ValidationError, RecursionError):
            continue
    return _from_loose_json(body) if "{" in body else None


def _from_loose_json(body: str) -> str | None:
    """The text in an object that is JSON but for single quotes, curly quotes, unquoted names or a comma too many."""
    for name in islice(_LOOSE_NAME.finditer(body), _MOST_NAMES):
        closing = {"“": "”", "‘": "’"}.get(name.group(1), name.group(1))
        for quote in islice(re.compile(re.escape(closing)).finditer(body, name.end()), _MOST_QUOTES):
            at = quote.start()
            if _LOOSE_END.match(body, at + 1) and not _escaped(body, at):
                return _unescaped(body[name.end() : at])
    return None


def _escaped(body: str, at: int) -> bool:
    """Whether an odd number of backslashes stands before the place, of which a few are looked at."""
    before = body[max(0, at - 20) : at]
    return (len(before) - len(before.rstrip("\\"))) % 2 == 1


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(lambda found: _ESCAPES.get(found.group(1)) or chr(int(found.group(1)[1:], 16)), text)


def _from_plain(body: str, original: str) -> str:
    """Plain text without code fence, polite lead, closing remark and the quotation marks around it."""
    code = _CODE.search(body)
    text = code.group(1).strip() if code else body
    for pattern in (_BARE_LEAD, _LEAD):
        if not pattern.match(original):
            text = pattern.sub("", text, count=1).lstrip()
    if _remark(original) is None:
        text = text[: _remark(text)]
    return _unquoted(text.strip().strip("*").strip() if not original.startswith("*") else text.strip(), original)


def _remark(text: str) -> int | None:
    """Where the first blank line stands after which a remark begins; None where there is none. In one pass over the blanks."""
    for blank in re.finditer(r"\s+", text):
        if blank.group().count("\n") > 1 and _REMARK.match(text, blank.end()):
            return blank.start() + blank.group().index("\n")
    return None


def _unquoted(text: str, original: str) -> str:
    for left, right in (('"', '"'), ("“", "”"), ("'", "'"), ("`", "`"), ("«", "»")):
        wrapped = len(text) > 1 and text.startswith(left) and text.endswith(right)
        if wrapped and left not in text[1:-1] and not (original.startswith(left) and original.endswith(right)):
            return text[1:-1].strip()
    return text
