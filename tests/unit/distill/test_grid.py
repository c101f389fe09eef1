import pytest

from cod_core.distill.grid import read_grid
from cod_core.distill.kinds import KINDS
from cod_core.errors import BadInput

GRID = {
    "tasks": ["movies", "amazon"],
    "shots": [8, 16],
    "seeds": 20,
    "runs": [
        {"arms": ["kd", "cod"]},
        {"arms": ["cod"], "soft_labels": ["off", "random"], "cf_share": [0.25, 0.5]},
        {"student": "contrastive", "arms": ["cod"], "seeds": 10, "tasks": ["movies"]},
    ],
}


def test_lists_stand_for_one_run_each_and_runs_take_over_what_they_do_not_say():
    runs = read_grid(GRID)
    assert len(runs) == 2 * (1 + 4) + 1
    assert runs[0].params == {"arms": ["kd", "cod"], "shots": [8, 16], "seeds": 20}
    assert runs[-1].task == "movies" and runs[-1].params["seeds"] == 10
    assert runs[-1].plan.draws == range(10) and runs[-1].plan.student.kind is KINDS["contrastive"]
    assert {(r.params["soft_labels"], r.params["cf_share"]) for r in runs if "cf_share" in r.params} == {
        ("off", 0.25),
        ("off", 0.5),
        ("random", 0.25),
        ("random", 0.5),
    }


def test_a_run_has_one_key_whatever_the_order_it_was_written_in():
    """Keys that depend on the order would train a cell twice."""
    again = {**GRID, "runs": [dict(reversed(list(run.items()))) for run in GRID["runs"]] + GRID["runs"]}
    assert [r.key for r in read_grid(again)] == [r.key for r in read_grid(GRID)]
    assert len({r.key for r in read_grid(GRID)}) == 11


def test_every_mistake_is_named_at_once():
    wrong = {"tasks": ["movies"], "seed": 3, "runs": [{"arms": ["kdd"]}]}
    with pytest.raises(BadInput, match="unknown entry 'seed'"):
        read_grid(wrong)
    wrong = {"tasks": ["movies"], "runs": [{"arms": ["kdd"], "temprature": 2}, {"tasks": ["books"]}]}
    with pytest.raises(BadInput, match="unknown 'temprature'; run 1: unknown 'kdd'; run 2: task 'books'"):
        read_grid(wrong)
    with pytest.raises(BadInput, match="'runs' is missing"):
        read_grid({"tasks": ["movies"]})


@pytest.mark.parametrize(
    "wrong, said",
    [
        ([], "it is no object"),
        ("x", "it is no object"),
        ({"tasks": ["movies"], "runs": ["kd"]}, "run 1: it is no object"),
        ({"tasks": [3], "runs": [{}]}, "'tasks' must be a list of names"),
        ({"tasks": ["movies"], "runs": [{"arms": "kd"}]}, "'arms' must be a list"),
        ({"tasks": ["movies"], "shots": 8, "runs": [{}]}, "'shots' must be a list"),
        ({"tasks": ["movies"], "shots": ["a"], "runs": [{}]}, "'shots' must be whole numbers of 2 or more"),
        ({"tasks": ["movies"], "shots": [-3], "runs": [{}]}, "'shots' must be whole numbers of 2 or more"),
        ({"tasks": ["movies"], "runs": [{"seeds": "many"}]}, "run 1: 'seeds' must be whole numbers of 1 or more"),
        ({"tasks": ["movies"], "runs": [{"temperature": []}]}, "run 1: 'temperature' is empty"),
        ({"tasks": ["movies"], "seeds": [], "runs": [{}]}, "'seeds' is empty"),
        ({"tasks": [], "runs": [{}]}, "'tasks' is empty"),
        ({"tasks": ["movies"], "seeds": 0, "runs": [{}]}, "'seeds' must be whole numbers of 1 or more"),
    ],
)
def test_a_value_of_the_wrong_kind_is_named(wrong, said):
    """A list in place of the object had ended in a traceback."""
    with pytest.raises(BadInput, match=said):
        read_grid(wrong)


@pytest.mark.parametrize("name", ["tasks", "arms", "shots", "layers"])
def test_an_entry_without_a_value_is_one_that_the_run_does_not_say(name):
    """null had ended in a traceback."""
    assert [run.task for run in read_grid({"tasks": ["movies", "amazon"], "runs": [{name: None}]})] == ["movies", "amazon"]
