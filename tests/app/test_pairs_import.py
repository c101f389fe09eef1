"""Ready counterfactuals through the Proposals page: one row a pair, two rows a pair."""


def words(test):
    return " ".join(str(h.proto.body) for h in test.get("html")) + " ".join(c.value for c in [*test.caption, *test.text])


def paste(screen, project, text):
    test = screen("proposals", project)
    next(g for g in test.button_group if g.key == "way").set_value("import").run()
    next(g for g in test.button_group if g.key == "in-cf-way").set_value("paste").run()
    next(t for t in test.text_area if t.key == "in-cf-paste").set_value(text).run()
    assert not test.exception, test.exception
    return test


def test_two_rows_a_pair_are_recognised(filled, screen):
    """Counterfactually augmented data is published this way; asked for two columns, nobody could import it."""
    test = paste(screen, filled, "Sentiment\tText\tbatch_id\nNegative\tA dull film.\t1\nPositive\tA fine film.\t1\n")
    assert "joined by: batch_id" in words(test)
    next(b for b in test.button if b.label == "Add these counterfactuals").click().run()
    assert not test.exception and "0 counterfactuals added" in words(test)
    assert "not among this project" in words(test)


def test_records_of_this_app_find_their_columns(filled, screen):
    test = paste(screen, filled, "label,text,counterfactual_text,counterfactual_label\npositive,a,b,negative\n")
    picked = {s.label: s.value for s in test.selectbox if s.label in ("Original text", "Changed text", "New label (optional)")}
    assert picked == {"Original text": 1, "Changed text": 2, "New label (optional)": 3}
