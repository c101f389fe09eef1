"""Which language a text is in, as far as editing needs it."""

import pytest

from cod_core.counterfactuals.languages import language_of


@pytest.mark.parametrize(
    "text,code",
    [
        ("The plot is thin and the cast is bored.", "en"),
        ("Great film", "en"),
        ("Der Film ist an vielen Stellen langweilig.", "de"),
        ("Das Essen war gut, der Service nicht.", "de"),
        ("这部电影非常好看，演员也很出色。", "zh"),
        ("この映画はとても面白いです。", "ja"),
        ("Le film était très ennuyeux.", "und"),
        ("...", "und"),
        ("", "und"),
    ],
)
def test_language_is_told_by_function_words_and_script(text, code):
    """English rules on a German text would turn the preposition "an" into "a"."""
    assert language_of(text).code == code
