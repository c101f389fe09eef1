"""Replies that a small model gave (SmolLM2-135M, 24 film reviews): ten of them "flipped", and two were changes of the text."""

import pytest

from cod_core.counterfactuals.echoes import no_change

FILM = "An imaginative comedy/thriller."
PLEA = "Though the film is static, its writer director's heart is in the right place."


@pytest.mark.parametrize(
    ("original", "reply", "why"),
    [
        (PLEA, "The entire text after your change", "echo"),
        ("One star for the whole cast.", "The entire text after your change", "echo"),
        (PLEA, "Though the whole text after your change", "echo"),
        ("The film stands.", "The text stands between the two marker lines; the markers are not part of it.", "echo"),
        ("The movie exists for its action.", "The result must read like a text that a person wrote.", "echo"),
        ("Rain over the city today.", "The morning opens with clear skies over the harbour.", "echo"),
        ("Loved every minute of this film.", "Though the whole text after your change", "echo"),
        (PLEA, "counterfactual", "another_text"),
    ],
)
def test_instructions_that_are_said_again_are_no_change(original, reply, why):
    assert no_change(original, reply) == why


@pytest.mark.parametrize(
    ("original", "changed"),
    [
        (FILM, "An uninspired comedy/thriller."),
        (PLEA, "Though the film is static, its writer director's heart is in the wrong place."),
        ("Great!", "Awful!"),
        ("Loved it so", "Hated this"),
        ("Best phone ever made", "Worst purchase this year"),
        ("Großartiger Film, tolle Schauspieler!", "Furchtbarer Streifen, miserable Darsteller!"),
        ("Use as much as possible.", "Use as little as possible."),
        ("It is too warm in the bedroom, turn it down.", "It is too cold in the bedroom, turn it up."),
        ("There was somebody in the room.", "There was nobody in the room."),
        ("Change as few words as possible, said the editor.", "Change as few words as possible, said the angry editor."),
        ("Der Pfleger hat das falsche Medikament gegeben.", "Der Pfleger hat das richtige Medikament gegeben."),
        ("电影很好看。", "电影很难看。"),
    ],
)
def test_a_change_of_the_text_is_one_however_much_it_is(original, changed):
    assert no_change(original, changed) is None
