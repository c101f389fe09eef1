"""Long work as jobs: start, follow, cancel, resume. The worker process calls run."""

from cod_core.distill.settings import SweepPlan
from cod_core.errors import BadInput
from cod_core.jobs import queue
from cod_core.models.chat import site_of
from cod_core.progress import Progress
from cod_core.project.curation.pairs import Pairs
from cod_core.project.export.package import StudentPackages
from cod_core.project.place import Place, Room
from cod_core.project.proposals.fluency import Fluency
from cod_core.project.proposals.prompts import PromptStudies
from cod_core.project.proposals.proposals import Proposals
from cod_core.project.proposals.tightening import Tightening
from cod_core.project.results.diagnostics import Diagnostics
from cod_core.project.results.live import LiveStrip
from cod_core.project.students.students import Students
from cod_core.project.teacher.answers import Answers
from cod_core.project.teacher.endpoints import Endpoints
from cod_core.project.teacher.training import Training

KINDS = ("generate", "distill", "finetune_teacher", "diagnose", "recheck", "pack_student", "tighten", "study", "fluency", "label_prompts")


class Jobs(Room):
    """Background jobs of a project."""

    def __init__(
        self,
        place: Place,
        endpoints: Endpoints,
        training: Training,
        answers: Answers,
        pairs: Pairs,
        fluency: Fluency,
        prompts: PromptStudies,
        tightening: Tightening,
        proposals: Proposals,
        students: Students,
        diagnostics: Diagnostics,
        live: LiveStrip,
        package: StudentPackages,
    ):
        super().__init__(place)
        self.endpoints = endpoints
        self.training = training
        self.answers = answers
        self.pairs = pairs
        self.fluency = fluency
        self.prompts = prompts
        self.tightening = tightening
        self.proposals = proposals
        self.students = students
        self.diagnostics = diagnostics
        self.live = live
        self.package = package

    def start(self, kind: str, params: dict, key: str | None = None) -> str:
        """Queue a job and start its worker; returns the job's id. key: for the address of Endpoints.address_of, never stored.

        Where a job of the project is under way already, its id comes back and nothing new is started. Raises what
        Training.check raises, where a teacher is to be trained.
        """
        if kind not in KINDS:
            raise BadInput(f"Unknown kind of job: {kind!r}.")
        if kind == "finetune_teacher":
            self.training.check(params)
        job_id, new = queue.enqueue_alone(self.db, self.id, kind, {k: v for k, v in params.items() if k != "key"})
        if new:
            self._send_out(job_id, params, key)
        return job_id

    def newest(self):
        """The newest job of the project, None where there was none."""
        return queue.newest(self.db, self.id)

    def cancel(self, job_id: str) -> None:
        """Ask a job to stop; what it finished is kept."""
        queue.request_cancel(self.db, job_id)

    def resume(self, job_id: str, key: str | None = None) -> None:
        """Go on with a stopped, failed or interrupted job; finished items are not repeated."""
        queue.resume(self.db, job_id)
        job = queue.get(self.db, job_id)
        self._send_out(job_id, job.params, key)

    def _send_out(self, job_id: str, params: dict, key: str | None) -> None:
        """Start the worker with the project's keys, each under the host it is for."""
        address = self.endpoints.address_of(params) if key else None
        keys = self.endpoints.keys() | ({site_of(address): str(key)} if address else {})
        queue.start_worker(job_id, str(self.place.settings.home), keys=keys)

    def run(self, job, progress: Progress) -> dict:
        """Do a job's work here and return its result. Called by the worker process."""
        self.endpoints.take_keys(queue.handed_keys())
        if job.kind == "generate":
            report = self.proposals.generate(job.params, progress)
            self.live.read_development()  # so that the strip on the Curate page answers at once
            return report
        if job.kind == "study":
            return self.prompts.study(job.params, progress)
        if job.kind == "label_prompts":
            return self.answers.label_prompts(progress)
        if job.kind == "fluency":
            return self.fluency.measure(progress)
        if job.kind == "distill":
            return self.students.distil(SweepPlan.of(job.params), progress)
        if job.kind == "finetune_teacher":
            return self.training.finetune(job.params, progress)
        if job.kind == "pack_student":
            return self.package.pack(job.params, progress)
        if job.kind == "tighten":
            return self.tightening.tighten_all(job.params, progress)
        if job.kind == "diagnose":
            return self.diagnostics.run(progress)
        return {"checked": self.pairs.recheck(progress)}
