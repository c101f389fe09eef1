"""Phrases of a class from the person's own texts."""

from cod_core.counterfactuals.phrases import candidates, phrases_of

NO_HARM = [f"The patient was given the wrong tray, no injury was found on day {i}." for i in range(4)]
HARM = [f"The patient broke a hip and was taken to theatre on day {i}." for i in range(4)]


def test_what_the_target_says_and_the_others_do_not_comes_first():
    found = phrases_of([*NO_HARM, *HARM], ["no harm"] * 4 + ["harm"] * 4, "no harm")
    assert any("wrong tray" in phrase for phrase in found) and any("injury" in phrase for phrase in found)
    assert not any("hip" in phrase or phrase == "patient" for phrase in found)


def test_phrases_hold_no_sign_no_placeholder_and_no_loose_function_word():
    found = candidates("He lost a lot of &lt;#&gt; blood, then", frozenset({"a", "of", "he", "then"}))
    assert set(found.values()) == {"lost", "lost a lot", "lot", "blood"}


def test_no_phrase_stands_inside_another():
    found = phrases_of([*NO_HARM, *HARM], ["no harm"] * 4 + ["harm"] * 4, "no harm")
    folded = [phrase.casefold() for phrase in found]
    assert not [(a, b) for a in folded for b in folded if a != b and f" {a} " in f" {b} "]
    assert phrases_of([], [], "x") == []
