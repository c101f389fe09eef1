"""How columns are called in the files of the field, in English and German: by these names they are told first. Plain words."""

import re

TEXT = (
    "text",
    "sentence",
    "review",
    "comment",
    "content",
    "document",
    "message",
    "body",
    "tweet",
    "snippet",
    "original_text",
    "original",
    "description",
    "complaint",
    "note",
    "question",
    "kommentar",
    "bemerkung",
    "beschreibung",
    "freitext",
    "nachricht",
    "meldung",
)
LABEL = (
    "label",
    "labels",
    "class",
    "category",
    "sentiment",
    "gold",
    "target",
    "label_text",
    "type",
    "kind",
    "ground_truth",
    "intent",
    "topic",
    "emotion",
    "rating",
    "stars",
    "answer",
    "kategorie",
    "klasse",
    "bewertung",
    "einstufung",
    "typ",
    "ereignisart",
)
ASIDE = frozenset(
    "ward unit department dept station site hospital clinic room bed team shift sex gender age year month date time author reporter "
    "language country abteilung klinik zimmer schicht geschlecht alter jahr monat datum uhrzeit melder sprache".split()
)
"""Words in the names of columns that say where, when or who: their values repeat as labels do, so they are taken for labels last."""
NAME = re.compile(
    r"(row|record|case|item|task|sample|example|report|incident|file|fall|vorgang|datensatz|zeile|patient\w{0,3}|laufende|lfd\.?)?"
    r"[ _-]*(id|uid|uuid|key|nr|no|number|nummer|ref|reference|kennung|aktenzeichen)\.?",
    re.I,
)
SOURCE = ("source_id", "source", "document_id", "doc_id", "review_id", "group", "group_id", "batch_id", "thread_id", "case_id", "pair_id")
SPLIT = ("split", "set", "fold", "subset", "partition")
