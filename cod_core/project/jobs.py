"""Long work as jobs: start, follow, cancel, resume. The worker process calls run."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from cod_core.compute.machine import memory_bytes
from cod_core.counterfactuals.options import GenerateRequest, StudyRequest, TightenRequest
from cod_core.distill.settings import SweepPlan, known
from cod_core.distill.take_home import TakeHome
from cod_core.errors import BadInput
from cod_core.jobs import queue, service
from cod_core.jobs.queue import Job, Storable
from cod_core.models.chat import site_of
from cod_core.models.choice import FinetuneOptions
from cod_core.progress import Progress
from cod_core.project.curation.pairs import Pairs
from cod_core.project.export.package import StudentPackages
from cod_core.project.place import Place, Room, limits_of, needs
from cod_core.project.proposals.fluency import Fluency
from cod_core.project.proposals.prompts import PromptStudies
from cod_core.project.proposals.proposals import Proposals
from cod_core.project.proposals.tightening import Tightening
from cod_core.project.results.diagnostics import Diagnostics
from cod_core.project.results.live import LiveStrip
from cod_core.project.results.ways import WaysRoom
from cod_core.project.students.product import Product
from cod_core.project.students.students import Students
from cod_core.project.teacher.answers import Answers
from cod_core.project.teacher.endpoints import Endpoints
from cod_core.project.teacher.repair import Repair
from cod_core.project.teacher.training import Training
from cod_core.roles import Actor
from cod_core.said import say

R = TypeVar("R")
ROOM_FOR_SPARE = 6 << 30  # bytes of the machine's memory: a spare worker takes about half a gigabyte


Result = Mapping[str, Any] | Storable


@dataclass(frozen=True)
class Kind(Generic[R]):
    """A kind of job. read: its parameters, also those that an earlier version queued -> what is asked for; raises BadInput.

    work: does it. act: what starting it is (a key of roles.ALLOWED). check: raises CodError for what could only fail, or what
    the actor may not ask for, before it is queued. light: whether it waits for somebody else's machine most of its time.
    """

    read: Callable[[Mapping[str, Any]], R]
    work: Callable[[R, Progress], Result]
    act: str
    check: Callable[[R], None] = lambda request: None
    light: Callable[[R], bool] = lambda request: False


def without_request(work: Callable[[Progress], Result], act: str) -> Kind[None]:
    """A kind of job that takes no parameters."""
    return Kind(_none, lambda request, progress: work(progress), act)


def _none(params: Mapping[str, Any]) -> None:
    """Raises BadInput where there is a parameter all the same: it would be left out without a word."""
    if params:
        raise BadInput(f"Unknown settings: {', '.join(map(str, params))}. A job of this kind takes none.")


def elsewhere(request: GenerateRequest | StudyRequest) -> bool:
    """Whether a run asks a language model at an address: what is left to this machine is one verdict a reply."""
    return not request.llm.local and bool(request.llm.base_url) and (isinstance(request, StudyRequest) or request.generator == "llm")


def run_id_of(params: Mapping[str, Any]) -> str | None:
    """The student that a job "pack_student" names, None for the best one. Raises BadInput for a name that is none."""
    known(params, ("run_id",))
    return params.get("run_id")


class Jobs(Room):
    """Background jobs of a project. kinds: what a job may be, by the name that it is stored under."""

    def __init__(
        self,
        place: Place,
        endpoints: Endpoints,
        training: Training,
        repair: Repair,
        answers: Answers,
        pairs: Pairs,
        fluency: Fluency,
        prompts: PromptStudies,
        tightening: Tightening,
        proposals: Proposals,
        students: Students,
        diagnostics: Diagnostics,
        live: LiveStrip,
        ways: WaysRoom,
        product: Product,
        package: StudentPackages,
    ):
        super().__init__(place)
        self.endpoints = endpoints
        self.proposals = proposals

        def generate(request: GenerateRequest, progress: Progress) -> Result:
            report = proposals.generate(request, progress)
            live.read_development()  # so that the strip on the Curate page answers at once
            return report

        self.kinds: dict[str, Kind[Any]] = {
            "generate": Kind[GenerateRequest](GenerateRequest.of, generate, "propose", proposals.check, elsewhere),
            "study": Kind[StudyRequest](StudyRequest.of, prompts.study, "propose", prompts.check, elsewhere),
            "tighten": Kind[TightenRequest](TightenRequest.of, tightening.tighten_all, "propose"),
            "distill": Kind[SweepPlan](SweepPlan.of, students.distil, "distil", students.check),
            "finetune_teacher": Kind[FinetuneOptions](FinetuneOptions.of, training.finetune, "teach", training.check),
            "teach_teacher": Kind[FinetuneOptions](FinetuneOptions.of, repair.teach, "teach", repair.check),
            "take_home": Kind[TakeHome](TakeHome.of, product.make, "distil"),
            "pack_student": Kind[str | None](run_id_of, package.pack, "export"),
            "label_prompts": without_request(answers.label_prompts, "import"),
            "fluency": without_request(fluency.measure, "propose"),
            "diagnose": without_request(diagnostics.run, "distil"),
            "ways": without_request(ways.measure, "distil"),
            "recheck": without_request(lambda progress: {"checked": pairs.recheck(progress)}, "propose"),
        }

    def start(self, kind: str, request: Storable | None = None, key: str | None = None) -> str:
        """Queue a job and start its worker; returns the job's id. key: for the address of Endpoints.address_of, never stored.

        Where a job of the project is under way already, its id comes back and nothing new is started. Raises BadInput for an
        unknown kind, what the kind's check raises, and CodError where the actor has as many jobs or files as they may.
        """
        if kind not in self.kinds:
            raise BadInput(f"Unknown kind of job: {kind!r}.")
        asked = self.kinds[kind].read(request.to_json() if request is not None else {})
        self._may_start(kind, asked, key)
        light = self.kinds[kind].light(asked)
        job_id, new = queue.enqueue_alone(
            self.db, self.id, kind, request, self._starter(), light, limits_of(self.place.settings, self.place.actor)
        )
        if new:
            self._send_out(job_id, asked, key)
        return job_id

    def expect(self) -> None:
        """Have a worker process load what a job is likely to need, since one may be asked for soon; the press then waits for no models.

        One such process waits for all projects, for a quarter of an hour. None where the work is left to a service, where
        COD_SPARE_WORKER is 0, or on a small machine.
        """
        if self.place.settings.spare and not self.place.settings.service and memory_bytes() >= ROOM_FOR_SPARE:
            queue.keep_spare(str(self.place.settings.home), self.id)

    def load(self) -> None:
        """Load what a job is likely to need. Called by a worker that waits for one."""
        self.proposals.load()

    def _may_start(self, kind: str, asked: object, key: str | None) -> None:
        """Raises what the kind's check raises of what is asked for, and CodError where the actor may not start it or bring a key, or
        what they have takes all the room they may have."""
        self.place.need(self.kinds[kind].act)
        if key:
            self.place.need("key")
        self.kinds[kind].check(asked)
        self.place.need_room()

    def _starter(self) -> Actor | None:
        """The actor without their sign-in: who signs out lets what was started go on."""
        return replace(self.place.actor, issued_at=None) if self.place.actor else None

    def newest(self) -> Job | None:
        """The newest job of the project, None where there was none."""
        return queue.newest(self.db, self.id)

    @needs("curate")
    def cancel(self, job_id: str) -> None:
        """Ask a job to stop; what it finished is kept."""
        queue.request_cancel(self.db, self._own(job_id).id)

    def resume(self, job_id: str, key: str | None = None) -> None:
        """Go on with a stopped, failed or interrupted job; finished items are not repeated."""
        job = self._own(job_id)
        asked = self.kinds[job.kind].read(job.params)
        self._may_start(job.kind, asked, key)
        queue.resume(self.db, job_id, self._starter(), limits_of(self.place.settings, self.place.actor))
        self._send_out(job_id, asked, key)

    def _own(self, job_id: str) -> Job:
        """The job of this project. Raises BadInput where it has none of that id."""
        job = queue.get(self.db, job_id)
        if job.project_id != self.id:
            raise BadInput(say(queue.NO_JOB))
        return job

    def _send_out(self, job_id: str, asked: object, key: str | None) -> None:
        """Start the worker with the project's keys, each under the host it is for.

        Where there is a worker service, the job is left to it, unless a key was typed: keys never pass through the database.
        """
        llm = asked.llm if isinstance(asked, GenerateRequest | StudyRequest) else None
        address = self.endpoints.address_of(llm) if key else None
        keys = self.endpoints.keys() | ({site_of(address): str(key)} if address else {})
        if self.place.settings.service and not keys:
            service.leave(self.db, job_id)
        else:
            queue.start_worker(job_id, str(self.place.settings.home), keys=keys)

    def run(self, job: Job, progress: Progress) -> Mapping[str, Any]:
        """Do a job's work here and return its result. Called by the worker process."""
        self.endpoints.take_keys(queue.handed_keys())
        kind = self.kinds[job.kind]
        result: Result = kind.work(kind.read(job.params), progress)
        return result if isinstance(result, Mapping) else result.to_json()
