"""Long work as jobs: start, follow, cancel, resume. The worker process calls run_job."""

from cod_core.errors import BadInput
from cod_core.jobs import queue
from cod_core.models.chat import site_of
from cod_core.progress import Progress
from cod_core.workspace.base import Base

KINDS = ("generate", "distill", "finetune_teacher", "diagnose", "recheck", "pack_student", "tighten", "study", "fluency", "label_prompts")


class Working(Base):
    """Background jobs of a project."""

    def start(self, pid: str, kind: str, params: dict, key: str | None = None) -> str:
        """Queue a job and start its worker; returns the job's id. key: for the address of `address_of`, never stored.

        Where a job of the project is under way already, its id comes back and nothing new is started. Raises what
        check_finetuning raises, where a teacher is to be trained.
        """
        if kind not in KINDS:
            raise BadInput(f"Unknown kind of job: {kind!r}.")
        if kind == "finetune_teacher":
            self.check_finetuning(pid, params)
        job_id, new = queue.enqueue_alone(self.db, pid, kind, {k: v for k, v in params.items() if k != "key"})
        if new:
            self._send_out(job_id, pid, params, key)
        return job_id

    def job(self, pid: str):
        """The newest job of the project, None where there was none."""
        return queue.newest(self.db, pid)

    def cancel(self, job_id: str) -> None:
        queue.request_cancel(self.db, job_id)

    def resume(self, job_id: str, key: str | None = None) -> None:
        """Go on with a stopped, failed or interrupted job; finished items are not repeated."""
        queue.resume(self.db, job_id)
        job = queue.get(self.db, job_id)
        self._send_out(job_id, job.project_id, job.params, key)

    def _send_out(self, job_id: str, pid: str, params: dict, key: str | None) -> None:
        """Start the worker with the project's keys, each under the host it is for."""
        address = self.address_of(pid, params) if key else None
        keys = self.keys_of(pid) | ({site_of(address): str(key)} if address else {})
        queue.start_worker(job_id, str(self.settings.home), keys=keys)

    def run_job(self, job, progress: Progress) -> dict:
        """Do a job's work here and return its result. Called by the worker process."""
        pid = job.project_id
        self._keys |= {(pid, site): key for site, key in queue.handed_keys().items()}
        if job.kind == "generate":
            report = self.generate(pid, job.params, progress)
            self.read_development(pid)  # so that the strip on the Curate page answers at once
            return report
        if job.kind == "study":
            return self.study_prompts(pid, job.params, progress)
        if job.kind == "label_prompts":
            return self.label_prompts(pid, progress)
        if job.kind == "fluency":
            return self.measure_fluency(pid, progress)
        if job.kind == "distill":
            return self.distill(pid, job.params, progress)
        if job.kind == "finetune_teacher":
            return self.finetune_teacher(pid, job.params, progress)
        if job.kind == "pack_student":
            return self.pack_student(pid, job.params, progress)
        if job.kind == "tighten":
            return self.tighten_all(pid, job.params, progress)
        if job.kind == "diagnose":
            return self.diagnose(pid, progress)
        return {"checked": self.recheck(pid, progress)}
