import pytest
from typer.testing import CliRunner

import cod_core.__main__  # noqa: F401  registers every command
from cod_core.commands.shell import app
from cod_core.errors import BadInput
from cod_core.store import projects
from cod_core.types import Task
from cod_core.workspace import Workspace


@pytest.fixture
def limit(tmp_path, monkeypatch):
    """A function that runs `quality` with limits; the workspace and the project stand on it."""
    monkeypatch.setenv("COD_HOME", str(tmp_path))
    monkeypatch.delenv("COD_DATABASE_URL", raising=False)
    w = Workspace(tmp_path)
    pid = w.create_project("Films", Task("Is it praise?", ("negative", "positive")))

    def run(*limits):
        return CliRunner().invoke(app, ["quality", pid, *(part for one in limits for part in ("--limit", one))])

    run.w, run.pid = w, pid
    return run


def test_a_limit_that_does_not_exist_is_refused_with_those_that_do(limit):
    done = limit("edit_fraction_reject=0.4", "foo=1")
    assert done.exit_code == 1 and "no limit called foo" in str(done.exception) and "length_warn" in str(done.exception)
    assert limit.w.project(limit.pid).quality.limits().edit_fraction_reject == 0.6


@pytest.mark.parametrize("wrong", ["fluency_warn=nan", "length_warn=inf", "edit_fraction_warn=nan", "edit_fraction_reject=-4"])
def test_a_limit_that_is_no_number_to_compare_with_is_refused(limit, wrong):
    done = limit(wrong)
    assert done.exit_code == 1 and isinstance(done.exception, BadInput)


def test_a_limit_is_changed_and_one_that_an_older_version_kept_is_no_hindrance(limit):
    projects.update_settings(limit.w.db, limit.pid, {"thresholds": {"gone": 3}})
    assert limit("edit_fraction_reject=0.4").exit_code == 0
    assert limit.w.project(limit.pid).quality.limits().edit_fraction_reject == 0.4
