"""Each kind of job reads its parameters and hands them to its room as a value."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from cod_core.counterfactuals.options import GenerateRequest, StudyRequest, TightenRequest
from cod_core.distill.settings import SweepPlan
from cod_core.distill.take_home import TakeHome
from cod_core.errors import BadInput
from cod_core.jobs import queue
from cod_core.models.choice import FinetuneOptions
from cod_core.progress import silent
from cod_core.project.jobs import Jobs
from cod_core.settings import Limits

STORED = json.loads((Path(__file__).parents[2] / "fixtures/home_before_rooms.json").read_text(encoding="utf-8"))["jobs_as_stored"]
READABLE = [job for job in STORED if job["params"] != {"mode": "boundary"}]


@pytest.fixture
def asked():
    """What the rooms were asked for, in order."""
    return []


@pytest.fixture
def jobs(asked, monkeypatch):
    """The jobs of a project whose rooms only note what they are asked."""

    def noting(room):
        return lambda *arguments: asked.append((room, *arguments[:-1])) or {"room": room}

    place = SimpleNamespace(
        db=None,
        id="mine",
        settings=SimpleNamespace(home="home", service=False, limits=Limits()),
        actor=None,
        need=lambda act: None,
        need_room=lambda: None,
    )
    monkeypatch.setattr(queue, "handed_keys", dict)
    monkeypatch.setattr(queue, "start_worker", lambda job_id, home, keys: None)
    return Jobs(
        place,
        endpoints=SimpleNamespace(keys=dict, take_keys=lambda keys: None, address_of=lambda llm: ""),
        training=SimpleNamespace(finetune=noting("training"), check=lambda options: asked.append(("check", options))),
        repair=SimpleNamespace(teach=noting("repair"), check=lambda options: asked.append(("check", options))),
        answers=SimpleNamespace(label_prompts=noting("answers")),
        pairs=SimpleNamespace(recheck=lambda progress: 3),
        fluency=SimpleNamespace(measure=noting("fluency")),
        prompts=SimpleNamespace(study=noting("prompts"), check=lambda request: None),
        tightening=SimpleNamespace(tighten_all=noting("tightening")),
        proposals=SimpleNamespace(generate=noting("proposals"), check=lambda request: None),
        students=SimpleNamespace(distil=noting("students"), check=lambda plan: None),
        diagnostics=SimpleNamespace(run=noting("diagnostics")),
        live=SimpleNamespace(read_development=lambda: asked.append(("live",))),
        ways=SimpleNamespace(measure=noting("ways")),
        product=SimpleNamespace(make=noting("product")),
        package=SimpleNamespace(pack=noting("package")),
    )


def run(jobs, kind, params):
    return jobs.run(SimpleNamespace(kind=kind, params=params), silent)


@pytest.mark.parametrize(
    ("kind", "params", "expected"),
    [
        ("generate", {"k": 8, "budget": 60}, [("proposals", GenerateRequest.of({"k": 8, "budget": 60})), ("live",)]),
        ("study", {"k": 4}, [("prompts", StudyRequest(4))]),
        ("tighten", {"sources": ["llm"]}, [("tightening", TightenRequest(sources=("llm",)))]),
        ("distill", {"shots": [8]}, [("students", SweepPlan(shots=(8,)))]),
        ("finetune_teacher", {"epochs": 3}, [("training", FinetuneOptions(epochs=3))]),
        ("teach_teacher", {"epochs": 3}, [("repair", FinetuneOptions(epochs=3))]),
        ("take_home", {"kind": "contrastive"}, [("product", TakeHome("contrastive"))]),
        ("take_home", {}, [("product", TakeHome())]),
        ("pack_student", {"run_id": "abc"}, [("package", "abc")]),
        ("pack_student", {}, [("package", None)]),
        ("label_prompts", {}, [("answers",)]),
        ("fluency", {}, [("fluency",)]),
        ("diagnose", {}, [("diagnostics",)]),
        ("ways", {}, [("ways",)]),
    ],
)
def test_a_kind_hands_its_room_a_value(jobs, asked, kind, params, expected):
    assert run(jobs, kind, params) and asked == expected


@pytest.mark.parametrize(("kind", "params"), [("pack_student", {"runid": "abc"}), ("fluency", {"k": 8}), ("take_home", {"kinds": "x"})])
def test_a_misspelt_parameter_is_named(jobs, asked, kind, params):
    """The best student was packed in the place of the one that was named wrongly."""
    with pytest.raises(BadInput, match=f"Unknown settings: {next(iter(params))}"):
        run(jobs, kind, params)
    assert asked == []


def test_a_check_anew_says_how_many(jobs):
    assert run(jobs, "recheck", {}) == {"checked": 3}


def test_what_came_out_is_plain_values(jobs, monkeypatch):
    """A row of the database holds JSON; a report as an object would be kept as its name."""
    kind = jobs.kinds["distill"]
    monkeypatch.setitem(jobs.kinds, "distill", type(kind)(kind.read, lambda plan, progress: plan, "distil"))
    assert run(jobs, "distill", {"shots": [8]}) == SweepPlan(shots=(8,)).to_json()


@pytest.mark.parametrize("job", READABLE, ids=lambda job: f"{job['kind']}-{job['id']}")
def test_jobs_of_an_earlier_version_are_read(jobs, job):
    """A job that waits while the app is updated must run, and must still be read when it is stored anew."""
    kind = jobs.kinds[job["kind"]]
    request = kind.read(job["params"])
    assert request is None or kind.read(request.to_json()) == request


def test_a_job_is_stored_as_its_request_says_and_a_key_never(jobs, asked, monkeypatch):
    stored = []
    monkeypatch.setattr(queue, "enqueue_alone", lambda db, pid, kind, request, *_: stored.append((kind, request)) or ("job", True))
    request = GenerateRequest(k=8)
    assert jobs.start("generate", request) == "job" and jobs.start("recheck") == "job"
    jobs.start("distill", SweepPlan(shots=(8,)), key="sk-secret")
    assert stored == [("generate", request), ("recheck", None), ("distill", SweepPlan(shots=(8,)))]


def test_what_could_only_fail_is_not_queued(jobs, asked, monkeypatch):
    monkeypatch.setattr(queue, "enqueue_alone", lambda *arguments: pytest.fail("queued"))
    with pytest.raises(BadInput, match="Unknown kind"):
        jobs.start("dance")
    with pytest.raises(BadInput):
        jobs.start("distill", SweepPlan(shots=(3,), seeds=0))

    def refuse(options):
        raise BadInput("no weights")

    training = jobs.kinds["finetune_teacher"]
    monkeypatch.setitem(jobs.kinds, "finetune_teacher", type(training)(training.read, training.work, "teach", refuse))
    with pytest.raises(BadInput, match="no weights"):
        jobs.start("finetune_teacher", FinetuneOptions())
