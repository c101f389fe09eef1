"""Likely personal data: found where it is, not where numbers only look like it."""

import pytest

from cod_core.export import personal


def kinds(text: str) -> list[str]:
    return [hit.kind for hit in personal.hits(text)]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Write to jane.doe+x@clinic.example.org today.", "mail address"),
        ("Call +49 30 901820 or 0171/2345678.", "phone number"),
        ("Ring (415) 555-2671 after six.", "phone number"),
        ("Pay to DE89 3704 0044 0532 0130 00 please.", "bank account (IBAN)"),
        ("Card 4111 1111 1111 1111 was charged.", "card number"),
        ("SSN 219-09-9999 on file.", "social security number"),
        ("Patient ID: 8837261 was seen.", "patient or case number"),
        ("MRN 0048 2213 discharged", "patient or case number"),
        ("Patientennummer 4711 0815", "patient or case number"),
        ("She was born on 12.03.1960 in Ulm.", "date of birth"),
        ("Logged in from 192.168.17.4.", "network address"),
    ],
)
def test_what_points_at_a_person_is_found(text, kind):
    assert kind in kinds(text)


@pytest.mark.parametrize(
    "text",
    [
        "The film runs 142 minutes and cost $120,000,000.",
        "Scored 4.5 of 5 on 12.03.2020.",
        "DE00 3704 0044 0532 0130 00",
        "Order 4111 1111 1111 1112 is no card.",
        "Version 1.2.3.400 is out.",
        "In 2019-2020 we saw 10 000 visits.",
        "call me maybe @ the bar",
        "ISBN 978-3-16-148410-0",
        "000000000",
    ],
)
def test_ordinary_numbers_are_left_alone(text):
    """A warning on every text is read by nobody."""
    assert kinds(text) == []


def test_counts_are_of_texts_not_of_pieces():
    assert personal.counts(["a@b.co and c@d.co", "e@f.co", "none"]) == {"mail address": 2}


def test_a_long_text_is_searched_in_no_time():
    """A pattern that goes back and forth would hang the page on a hostile text."""
    import time

    started = time.process_time()
    for piece in ("1 " * 10_000, "a.b-" * 5_000, "+49 " * 5_000, "patient no " * 2_000, "born " * 4_000, "DE89 " * 4_000):
        list(personal.hits(piece))
    assert time.process_time() - started < 2.0
