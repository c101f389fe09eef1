"""What is next: the rules on counts alone. Each test is a place where a person stood before a dead end."""

from dataclasses import replace

import pytest

from cod_core.curation.goal import AT_ONCE, OfLabel, Standing, blocking, steps

FALL = OfLabel("Fall", texts=50, pairs=8, untouched=20)
MEDICATION = OfLabel("Medication", texts=25, pairs=4, untouched=9)
THIN = OfLabel("No harm", texts=60, pairs=1, untouched=51)
READY = Standing((FALL, MEDICATION, THIN), test=30, teacher=True, proposals=24)


def with_thin(**changes) -> Standing:
    return replace(READY, labels=(FALL, MEDICATION, replace(THIN, **changes)))


def test_a_thin_label_is_named_with_its_own_number_and_the_press_that_helps():
    """ "3 or more, as many for each label" told a clinician nothing: the rule is per label, so is the sentence."""
    first = steps(READY)[0]
    assert first.sentence == "“No harm”: 1 of 3 pairs. 51 of its texts have not been tried: propose for 20 of them."
    assert (first.act, first.labels, first.n, first.blocks) == ("propose", ("No harm",), AT_ONCE, False)
    assert first.command("p1") == 'python -m cod_core generate p1 --k 20 --label "No harm"'


def test_one_pair_of_each_label_is_enough_and_the_comparison_stays_in_reach():
    assert not blocking(steps(READY)) and "distil" in [step.name for step in steps(READY)]


def test_a_label_without_a_pair_comes_first_and_blocks():
    found = steps(replace(READY, labels=(replace(FALL, pairs=1), MEDICATION, replace(THIN, pairs=0))))
    assert found[0].labels == ("No harm",) and found[0].blocks and found[0].may_leave_out
    assert [step.labels for step in blocking(found)] == [("No harm",)] and "distil" not in [step.name for step in found]


@pytest.mark.parametrize(
    ("left", "page", "said"),
    [
        ({"open": 2, "untouched": 5}, "curate", "2 proposals for it wait"),
        ({"untouched": 5}, "proposals", "5 of its texts have not been tried: propose for them"),
        ({"untouched": 1}, "proposals", "1 of its texts has not been tried: propose for it"),
        ({"untouched": 0, "stuck": 3}, "curate", "3 texts have no proposal that flips the teacher: write one"),
        ({"untouched": 0, "otherwise": 9}, "teacher", "The teacher sees 9 of its 60 texts as another label"),
        ({"untouched": 0}, "data", "Add more texts of it, or leave it out"),
    ],
)
def test_a_label_is_sent_only_where_something_can_be_done_for_it(left, page, said):
    step = steps(with_thin(pairs=0, **left))[0]
    assert step.page == page and said in step.sentence


def test_with_two_labels_none_can_be_left_out():
    assert not any(step.may_leave_out for step in steps(replace(READY, labels=(FALL, replace(THIN, pairs=0)))))


def test_a_label_with_a_pair_and_nothing_left_to_do_is_not_a_step():
    """One pair of a label of two texts is what there is: to ask for more forever is a dead end of its own."""
    assert [step.name for step in steps(with_thin(untouched=0))] == ["distil"]


def test_many_thin_labels_are_one_step_not_twelve():
    many = tuple(OfLabel(f"intent {i}", texts=17, pairs=i % 3, untouched=15) for i in range(12))
    found = steps(replace(READY, labels=many))
    assert [step.name for step in found] == ["propose"] and found[0].blocks and len(found[0].labels) == 12 and found[0].n == 36
    assert "12 labels have fewer than 3 pairs: “intent 0” 0," in found[0].sentence and "and 8 more" in found[0].sentence


@pytest.mark.parametrize(
    ("now", "name", "page"),
    [
        (Standing((OfLabel("a"), OfLabel("b"))), "texts", "data"),
        (Standing((OfLabel("a"), OfLabel("b")), prompts=True, unlabelled=9), "answers", "teacher"),
        (Standing((OfLabel("a", 4), OfLabel("b", 0)), teacher=True), "texts", "data"),
        (Standing((OfLabel("a", 4), OfLabel("b", 4))), "teacher", "teacher"),
        (replace(READY, seen="It was trained on them."), "teacher", "teacher"),
        (replace(READY, stale=3), "recheck", "proposals"),
        (replace(READY, proposals=0, labels=(replace(FALL, pairs=0), replace(THIN, pairs=0))), "first", "proposals"),
        (replace(READY, labels=(FALL, MEDICATION), test=0), "judging", "data"),
        (replace(READY, labels=(FALL, MEDICATION)), "distil", "distill"),
        (replace(READY, labels=(FALL, replace(MEDICATION, open=2))), "decide", "curate"),
        (replace(READY, labels=(FALL, MEDICATION), compared=True), "distil", "distill"),
        (replace(READY, labels=(FALL, MEDICATION), compared=True, current=True), "export", "export"),
        (replace(READY, labels=(FALL, MEDICATION), compared=True, current=True, taken=True), "done", "export"),
    ],
)
def test_each_place_on_the_way_has_its_next_step(now, name, page):
    first = steps(now)[0]
    assert (first.name, first.page) == (name, page) and first.button and first.sentence.endswith(".")


def test_the_student_comes_before_what_could_be_better_still():
    """With a comparison at hand the sidebar sent her back to proposals, and the student was never made."""
    now = replace(READY, compared=True, current=True)
    assert [step.name for step in steps(now)] == ["export", "propose"]
    assert steps(replace(now, labels=(FALL, MEDICATION, replace(THIN, pairs=0))))[0].blocks


def test_a_sentence_on_the_screen_has_at_most_twenty_words():
    for now in (READY, with_thin(pairs=0, otherwise=9, untouched=0), replace(READY, stale=3), Standing((OfLabel("a"), OfLabel("b")))):
        for step in steps(now):
            assert all(len(sentence.split()) <= 20 for sentence in step.sentence.split(". ")), step.sentence
