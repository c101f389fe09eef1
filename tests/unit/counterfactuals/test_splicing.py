"""The splice generator on a handful of notes: what is put in says the new class by itself, what is left says no longer the old one."""

import numpy as np

from cod_core.counterfactuals.grading import Draft, Judges
from cod_core.counterfactuals.independent import OwnTexts
from cod_core.counterfactuals.segments import sentences, tagged
from cod_core.counterfactuals.sentences import SaidIn, Spoken, speaking, telling
from cod_core.counterfactuals.splices import Habits
from cod_core.counterfactuals.splicing import OwnCorpus, SpliceGenerator, signs_left

LABELS = ("fall", "drug")
SAYS = {"fell": 0, "floor": 0, "bruise": 0, "insulin": 1, "dose": 1, "warfarin": 1}
NOTES = [
    ("Pt fell in the shower. Bruise seen. Family aware.", 0),
    ("Pt fell off the chair. Family aware.", 0),
    ("Pt found on the floor. Will monitor.", 0),
    ("Insulin dose given twice. Sugar was checked. Family aware.", 1),
    ("Warfarin dose left out. Sugar was checked. Will monitor.", 1),
    ("Wrong insulin given. Family aware.", 1),
]


def counted(texts):
    """(n, 2): how many words say each class."""
    rows = np.zeros((len(texts), 2))
    for row, text in zip(rows, texts):
        for word in tagged(text).lower:
            if word in SAYS:
                row[SAYS[word]] += 1
    return rows


def embed(texts):
    rows = np.hstack([counted(texts), np.full((len(texts), 1), 0.5)])
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def score(texts):
    logits = 3 * counted(texts)
    return logits - np.log(np.exp(logits).sum(1, keepdims=True))


def generator(told: bool = True, notes=NOTES) -> SpliceGenerator:
    texts, classes = [text for text, _ in notes], np.array([of for _, of in notes])
    own = OwnTexts(embed(texts), classes, 2)
    corpus = OwnCorpus(texts, classes, embed(texts), LABELS)
    if told:
        corpus.telling = telling(corpus.tagged, [int(c) for c in classes], lambda found: own(embed(found)).line, corpus.said)
    return SpliceGenerator(corpus, Judges(score, embed, own, LABELS, None), embed)


def drafts(made: SpliceGenerator) -> set[str]:
    return {one.draft.text for one in made.drafts("Pt fell on the stairs. Will monitor.", "fall", ("drug",))}


def test_the_sentence_that_says_the_class_is_known():
    corpus = generator()._corpus
    assert corpus.telling[3] == (0, 4) and corpus.telling[1] == (0, 5), "Insulin dose given twice; Pt fell off the chair"
    assert telling([tagged("One sentence only.")], [0], lambda found: score(found)) == [None]


def test_a_sentence_that_says_no_class_by_itself_is_not_put_in_alone():
    """ "Sugar was checked." stood for a drug error, since it only ever stands in such notes: no reader would say so."""
    assert "Insulin dose given twice. Will monitor." in drafts(generator())
    assert not any(text.startswith("Sugar was checked") for text in drafts(generator()))


def test_a_text_in_which_the_old_class_is_still_said_is_refused():
    """ "Insulin dose given twice. Bruise seen." tells of a fall all the same."""
    original, judges = "Pt fell on the floor. Bruise seen. Family aware.", generator()._judges
    half, whole = "Insulin dose given twice. Bruise seen. Family aware.", "Insulin dose given twice. Sugar was checked. Family aware."
    graded = {g.draft.text: g for g in judges.grade(original, "fall", [Draft(half, "drug"), Draft(whole, "drug")])}
    assert graded[whole].agrees and not graded[half].agrees


def test_a_joint_that_no_own_text_has_is_out_of_the_question_where_texts_repeat_themselves():
    """ "what is the most recent charges on the last few transactions": every pair of words was used, no three across the joint."""
    often = ["what is the apr on my card", "what is the limit on my card", "show me the limit on my card", "show me the apr on my card"]
    habits = Habits([tagged(text) for text in often])
    own = tagged("what is the apr on my card")
    assert habits.told and habits.strange(own, 3, 4, ["limit"]) == 0
    assert habits.strange(own, 0, 2, ["my", "card"]) == 4, "my | my card | my card the | card the apr"
    assert not Habits([tagged("Nothing here is said twice.")]).told


def test_the_sentence_that_says_the_old_class_goes_with_those_that_say_it_too():
    """Most drafts put a drug error beside the fall, and all were refused: nothing was offered for half of the notes."""
    found = {one.draft.text for one in generator().drafts("Pt fell on the stairs. Bruise seen. Will monitor.", "fall", ("drug",))}
    assert found and not [text for text in found if "fell" in text]
    [best, *_] = generator().drafts("Pt fell on the stairs. Bruise seen. Will monitor.", "fall", ("drug",))
    assert "Bruise" not in best.draft.text and best.draft.text.endswith("Will monitor.") and best.draft.settled


def test_a_sentence_that_stands_in_notes_of_every_class_says_none():
    """A rare class made "Family aware." its own, since its line prefers what is said anywhere."""
    texts = [tagged(text) for text, _ in NOTES]
    said = SaidIn(texts, [of for _, of in NOTES])
    both = np.array([[0.1, 0.9], [0.9, 0.1]])  # of "Insulin dose given twice." and "Family aware.", by a line that is mistaken
    assert telling([tagged("Insulin given. Family aware.")], [0], lambda found: both, said) == [(0, 2)]
    checked = tagged("Sugar was checked. Dose noted. Family aware.")
    assert said.alone(checked, (0, 3), 1) and not said.alone(checked, (0, 3), 0) and said.common(checked, (7, 9))
    assert speaking(checked, 1, lambda found: np.array([[1.0, 0.0], [0.5, 0.5], [0.0, 1.0]]), said) == Spoken(
        ((4, 6), (0, 3)), frame=(frozenset({7}), frozenset({9, 10}))
    )


def test_what_is_left_is_settled_where_notes_of_the_new_class_say_it_too():
    drafts = generator().drafts("Pt fell on the stairs. Wrist swollen. Will monitor.", "fall", ("drug",))
    settled = {one.draft.settled for one in drafts if "Wrist" in one.draft.text}
    assert settled == {False} and any(one.draft.settled for one in drafts)


def test_no_sign_is_left_over_where_nobody_reads_it():
    """A closing quotation mark counted as a sentence that every text has, and two full stops in a row as settled."""
    assert sentences(tagged('She said "he fell." Will monitor.')) == [(0, 7), (7, 10)]
    assert sentences(tagged("He fell! 🙂")) == [(0, 4)]
    assert [signs_left(text) for text in ('"A b."', 'A b."', "A (b.", "A.. B.", "A. B?", "„A“ b.")] == [0, 1, 1, 1, 0, 0]
    found = generator().drafts('Wife said "he fell on the stairs." Will monitor.', "fall", ("drug",))
    assert found and not [one for one in found if one.draft.settled and signs_left(one.draft.text)]


HEADED = [
    ("Night shift: Pt fell out of bed at 02:10. Family aware.", 0),
    ("Handover note: Pt fell on the stairs. Will monitor.", 0),
    ("Night shift: Insulin dose given twice at 03:45. Family aware.", 1),
    ("Handover note: Wrong insulin dose drawn up. Will monitor.", 1),
]


def test_a_heading_of_notes_of_every_class_belongs_to_the_frame():
    """ "Night shift: Pt fell ..." became "Handover note: Insulin ...": who wrote the note changed with what happened."""
    texts = [tagged(text) for text, _ in HEADED]
    said = SaidIn(texts, [of for _, of in HEADED])
    assert said.core(texts[0], sentences(texts[0])[0])[0] == 3 and said.frame(texts[0]) == (frozenset({0, 13}), frozenset({15, 16}))
    only = [tagged("Fall: found on floor. Will monitor."), tagged("Drug error: insulin. Will monitor.")]
    assert SaidIn(only, [0, 1]).core(only[0], sentences(only[0])[0])[0] == 0, "a heading that says the class goes with it"


def test_the_frame_of_a_note_stays_and_so_does_its_time():
    """Of seventeen offers a reader refused nine: "Late entry." went, "Family aware" came, 20:50 became 20:05, and none says a class."""
    found = {one.draft.text for one in generator(notes=HEADED).drafts(HEADED[0][0], "fall", ("drug",))}
    assert "Night shift: Insulin dose given twice at 02:10. Family aware." in found
    assert not [text for text in found if "Handover" in text or not text.endswith("Family aware.")]


def test_a_sentence_that_only_notes_of_the_old_class_hold_has_to_go():
    """ "Second fall this week." stayed beside a fentanyl patch."""
    notes = [*NOTES, ("Second one this week. Pt fell again. Will monitor.", 0), ("Second one this week. Pt fell in bed. Family aware.", 0)]
    found = {one.draft.text for one in generator(notes=notes).drafts(notes[-1][0], "fall", ("drug",))}
    assert found and not [text for text in found if "Second one" in text]
