"""Settings as values: the same RunConfig fields, messages and run ids as the flat mappings gave, and no key that is lost."""

from itertools import product

import pytest

from cod_core.distill.kinds import KINDS, kind_of
from cod_core.distill.settings import StudentSettings, SweepPlan, usual_arms
from cod_core.errors import BadInput
from cod_core.text import short_hash
from cod_core.types import RunConfig, to_json

GIVEN = [
    {},
    {"temperature": 3, "kd_weight": 0, "l2": "0.5"},
    {"soft_labels": "off", "kd_weight": 5},
    {"soft_labels": "random", "cf_share": 0.25, "cf_weight": 1, "cf_source": "boundary search"},
    {"cf_share": "auto", "label_prior": 1.5},
    {"cf_weight": 2.0},
    {"pair_weight": 0},
    {"pair_weight": 1.0},
    {"steps": 7, "learning_rate": 1e-3, "batch_size": 8.0},
    {"layers": [1, 3, 5], "frozen_layers": 1, "lora_rank": 8},
    {"layers": []},
    {"layers": "x"},
    {"layers": [1, "x"]},
    {"method": "lwd", "layer_weight": 2},
    {"method": "foo"},
    {"encoder": ""},
    {"encoder": "some/encoder", "micro_batch": 4},
    {"encoder": "all-MiniLM-L6-v2@4,6"},
    {"hard_loss": "clamp", "kappa": 0.3},
    {"hard_loss": "foo"},
    {"hard_loss": "clamp", "pair_weight": 1},
    {"soft_labels": "foo"},
    {"kappa": 2},
    {"l2": -1, "micro_batch": -1},
    {"l2": True},
    {"temperature": "nan"},
    {"steps": 2.5},
    {"batch_size": 1},
    {"label_prior": -1},
    {"micro_batch": "abc"},
    {"encoder": None, "method": None, "layers": None, "steps": None, "micro_batch": None, "cf_share": None},
]
CASES = [{**kind, **given} for kind, given in product([{}, *({"student": k} for k in (*KINDS, "foo", None))], GIVEN)]


def outcome(read, params):
    try:
        return read(params)
    except BadInput as error:
        return str(error)


MINI = {"method": "kd", "encoder": "all-MiniLM-L6-v2"}


@pytest.mark.parametrize(
    "params, fields",
    [
        ({}, {**MINI, "student": "linear"}),
        ({"student": "retrieval", "label_prior": 1.5}, {**MINI, "student": "retrieval"}),
        ({"soft_labels": "off", "kd_weight": 5}, {**MINI, "student": "linear", "kd_weight": 0.0, "soft_labels": "off"}),
        ({"cf_share": "auto", "label_prior": 1.5}, {**MINI, "student": "linear", "label_prior": 1.5}),
        (
            {"student": "finetuned"},
            {**MINI, "student": "finetuned:all-MiniLM-L6-v2:all", "frozen_layers": 4, "steps": 40, "learning_rate": 1e-4, "batch_size": 16},
        ),
        (
            {"student": "contrastive", "layers": [1, 3, 5], "frozen_layers": 1},
            {
                **MINI,
                "student": "contrastive:all-MiniLM-L6-v2:1,3,5",
                "frozen_layers": 1,
                "steps": 60,
                "learning_rate": 5e-5,
                "batch_size": 32,
            },
        ),
        (
            {"student": "finetuned", "method": "lwd", "layer_weight": 2, "micro_batch": 4},
            {
                **MINI,
                "method": "lwd",
                "student": "finetuned:all-MiniLM-L6-v2:all",
                "layer_weight": 2.0,
                "steps": 60,
                "learning_rate": 5e-5,
                "batch_size": 16,
            },
        ),
    ],
)
def test_settings_give_these_fields_of_a_run_config(params, fields):
    """One field more or less, and every student would be trained again under another id."""
    assert StudentSettings.of(params).config_fields() == fields


def test_fields_and_messages_of_every_case_are_those_that_the_flat_mapping_gave():
    """The digest is of what the flat mappings gave for the same cases, before they were values; it changes with a single field or word."""
    outcomes = [outcome(lambda p: StudentSettings.of(p).config_fields(), params) for params in CASES]
    assert short_hash(to_json(outcomes)) == "4597ebc7ff78bc64"
    as_sweeps = [outcome(lambda p: SweepPlan.of(p).student.config_fields(), {**params, "shots": [8], "seeds": 20}) for params in CASES]
    assert as_sweeps == outcomes


@pytest.mark.parametrize(
    "params, run_id",
    [
        ({}, "d4abe1104ba1aa5a"),
        ({"student": "retrieval"}, "2941981c68390783"),
        ({"student": "finetuned"}, "1e236c3ee5ee6d9b"),
        ({"student": "contrastive", "cf_share": 0.125}, "0f120eedad05cf37"),
        ({"student": "finetuned", "method": "ted", "layers": [1, 3, 5], "soft_labels": "off"}, "b39b147d9b8eb402"),
    ],
)
def test_run_ids_stay_what_they_are(params, run_id):
    """A student on record would no longer be found."""
    fields = StudentSettings.of(params).config_fields()
    assert RunConfig(arm="cod", shots=8, seed=3, teacher_id="t", teacher_revision="r", data_hash="h", **fields).run_id == run_id


def test_an_unknown_key_is_named():
    """A misspelt setting was left out without a word."""
    for read in (StudentSettings.of, SweepPlan.of):
        with pytest.raises(BadInput, match="Unknown settings: temprature. Choose from"):
            read({"temprature": 3})
    with pytest.raises(BadInput, match="Unknown settings: shots"):
        StudentSettings.of({"shots": [8]})


def test_what_was_given_comes_back_and_nothing_else():
    """Parameters of a job are written and read again: a default made explicit would change what a later version means by it."""
    plans = [
        {},
        {"shots": [8, 16], "seeds": 20, "student": "linear", "arms": ["kd", "cod"], "method": "kd", "energy": False},
        {"student": "finetuned", "layers": [1, 3], "cf_share": "auto", "first_seed": 5, "draw_to": 64, "pairs_first": 0, "micro_batch": 2},
        {"only": {"generator": "a model"}, "seeds": 1},
    ]
    for params in plans:
        plan = SweepPlan.of(params)
        assert plan.to_json() == {"student": "linear", **params} and SweepPlan.of(plan.to_json()) == plan
    assert SweepPlan.of({"shots": None, "arms": [], "only": None, "encoder": ""}).to_json() == {"student": "linear"}


@pytest.mark.parametrize(
    "params, said",
    [
        ({"arms": ["foo"]}, "Unknown arms: foo. Choose from kd"),
        ({"seeds": 0}, "The number of draws must be 1 or more, not 0."),
        ({"seeds": "many"}, "seeds must be a whole number, not 'many'"),
        ({"shots": [8, 1]}, "The number of training rows must be 2 or more."),
        ({"student": "foo", "arms": ["foo"]}, "There is no student called 'foo'. Choose one of: linear, finetuned"),
    ],
)
def test_a_plan_that_cannot_be_is_refused_where_it_is_made(params, said):
    with pytest.raises(BadInput, match=said):
        SweepPlan.of(params)


def test_draws_and_arms_have_their_usual_values():
    assert SweepPlan().draws == range(20) and SweepPlan(first_seed=3, seeds=2).draws == range(3, 5)
    assert SweepPlan().compared == ("kd", "half", "cod", "cod_plus") and SweepPlan(arms=("kd",)).compared == ("kd",)


def test_students_that_cost_nothing_have_a_free_draw_beside_them():
    assert usual_arms("linear") == ("kd", "half", "cod", "cod_plus", "kd_free")
    assert usual_arms("finetuned") == usual_arms("contrastive") == SweepPlan().compared


def test_shares_and_recipes_are_those_that_were_measured():
    few, halves = {None: [8, 128, 256, 512]}, {0.5: [8, 128], 0.125: [256, 512]}
    for params, shares in (
        ({}, few),
        ({"cf_share": "auto"}, halves),
        ({"cf_share": 0.5}, few),
        ({"student": "contrastive"}, halves),
        ({"student": "contrastive", "cf_share": 0.5}, few),
    ):
        assert StudentSettings.of(params).by_share([8, 128, 256, 512]) == shares
    finetuned, contrastive, plain = KINDS["finetuned"], KINDS["contrastive"], {"steps": 60, "learning_rate": 5e-5}
    assert finetuned.recipe() == {"frozen_layers": 4, "steps": 40, "learning_rate": 1e-4, "batch_size": 16}
    assert contrastive.recipe() == {"frozen_layers": 2, "steps": 20, "learning_rate": 1e-4, "batch_size": 32}
    for encoder, layers, method in (("x", None, "kd"), ("all-MiniLM-L6-v2", [1], "kd"), ("all-MiniLM-L6-v2", None, "lwd")):
        assert finetuned.recipe(encoder, layers, method) == {**plain, "batch_size": 16}
    assert KINDS["linear"].recipe() == {}


def test_a_student_on_record_tells_its_kind():
    assert kind_of("finetuned:all-MiniLM-L6-v2:1,3,5") is KINDS["finetuned"] and kind_of("linear").head
    with pytest.raises(BadInput, match="no student called 'foo'"):
        kind_of("foo:x")
