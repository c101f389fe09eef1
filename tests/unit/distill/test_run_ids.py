"""Run ids are how students on record are found again: a new setting must not change those of the students before it."""

from dataclasses import MISSING, fields

from cod_core import types
from cod_core.distill.settings import StudentSettings
from cod_core.types import RunConfig

FIRST = (
    "method arm shots seed student encoder teacher_id teacher_revision data_hash temperature kd_weight layer_weight l2 steps "
    "learning_rate batch_size"
).split()
NOT_ASKED = "arm shots seed teacher_id teacher_revision data_hash encoder_revision class_weights".split()  # rows, teacher, the disk


def test_a_new_setting_is_listed_as_one_that_came_later():
    """Forgotten in that list, it changes every run id without a word, and every student is trained again."""
    later = types._HASHED_ONLY_IF_CHANGED
    forgotten = [f.name for f in fields(RunConfig) if f.name not in (*FIRST, *later)]
    assert not forgotten, (
        f"RunConfig has the new field {', '.join(forgotten)}: give it the default that means what students had before it, and add its "
        "name to _HASHED_ONLY_IF_CHANGED in cod_core/types.py, or the id of every student on record changes."
    )
    gone = sorted({*FIRST, *later} - {f.name for f in fields(RunConfig)})
    assert not gone, f"RunConfig has lost {', '.join(gone)}: ids of students on record are made from it, so keep it with its default."
    without = [f.name for f in fields(RunConfig) if f.name in later and f.default is MISSING]
    assert not without, f"{', '.join(without)} came later, so it needs the default that earlier students had."


def test_defaults_stay_those_that_ids_on_record_were_made_with():
    """Another default is another student under the old one's id."""
    usual = RunConfig("kd", "kd", 8, 0, "linear", "e", "t", "r", "d")
    assert usual.run_id == "66f3c55617a3f0f8"
    assert {name: getattr(usual, name) for name in types._HASHED_ONLY_IF_CHANGED} == {
        "hard_loss": "ce",
        "kappa": 0.5,
        "pair_weight": 0.0,
        "soft_labels": "teacher",
        "cf_share": 0.5,
        "cf_weight": 1.0,
        "cf_source": "",
        "lora_rank": 0,
        "frozen_layers": 0,
        "label_prior": 0.0,
        "encoder_revision": "",
        "class_weights": False,
    }


def test_every_setting_of_a_run_can_be_asked_for():
    """A loss whose weight no job may name is a loss that nobody can try."""
    missing = {f.name for f in fields(RunConfig)} - {f.name for f in fields(StudentSettings)} - {*NOT_ASKED}
    assert not missing, f"add {', '.join(sorted(missing))} to StudentSettings in cod_core/distill/settings.py, or to NOT_ASKED here"
