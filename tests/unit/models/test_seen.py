"""What a built-in teacher was trained on: judged on such texts it answers from memory."""

from cod_core.models.seen import fingerprint, seen_by, write_seen
from cod_core.models.teachers import BUILTIN


def test_one_sentence_is_told_again_in_any_typography():
    """An exact match found 1 of the 975 film snippets among SST-2's test sentences."""
    assert fingerprint("Isn't it great?") == fingerprint("is n't  it GREAT ?") != fingerprint("It isn't great.")
    assert fingerprint("!!") != fingerprint("??"), "texts without a letter are not all one"


def test_what_was_seen_is_kept_beside_the_teacher_without_its_words(tmp_path):
    write_seen(tmp_path, ["A fine film.", "a fine film", "Another one."])
    assert seen_by(tmp_path) == {fingerprint("A fine film"), fingerprint("another one")}
    assert (tmp_path / "seen.bin").stat().st_size == 8 and seen_by(tmp_path / "none") == frozenset()


def test_every_packaged_teacher_says_what_it_was_trained_on():
    """A list that is missing would let it be judged on its own training texts, silently."""
    sizes = {folder.name: len(seen_by(folder)) for folder in BUILTIN.iterdir() if (folder / "teacher.json").exists()}
    assert sizes == {"movies": 7028, "amazon": 1871, "tweets": 2130, "news": 3423}
