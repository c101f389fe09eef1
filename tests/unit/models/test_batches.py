"""A language model's batch interface against an imitation on loopback: what was paid for is never lost, doubled or guessed."""

import json

import pytest

from cod_core.counterfactuals.llm import Ask, LLMGenerator
from cod_core.counterfactuals.llm_batch import propose_by_batch
from cod_core.errors import Cancelled
from cod_core.models import batch_client
from cod_core.models.batch_client import BatchClient
from cod_core.models.chat import LLMClient, LLMSettings
from cod_core.models.endpoint_errors import EndpointError
from cod_core.types import Example, Task
from tests.batches import FakeBatches
from tests.fakes import Answer

TEXTS = ("The lens is good.", "The case is good.", "The zoom is good.", "The menu is good.", "The strap is good.")
KEY = "sk-batch-of-a-person"


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    monkeypatch.setattr(batch_client, "FIRST_LOOK_S", 0.01)
    monkeypatch.setattr(batch_client, "MOST_LOOK_S", 0.02)


def better(body: dict) -> Answer:
    text = next(text for text in TEXTS if text in body["messages"][-1]["content"])
    return Answer(json.dumps({"counterfactual": text.replace("good", f"bad ({body['seed']})")}))


class Run:
    """One person's runs: what is kept outlives each client, as the store outlives the app."""

    def __init__(self, server: FakeBatches, key: str | None = None):
        self.server, self.key = server, key
        self.replies: dict[str, dict] = {}
        self.sent: list[dict] = []

    def client(self) -> BatchClient:
        settings = LLMSettings(self.server.base_url, "m", price_in=1.0, price_out=1.0)
        client = LLMClient(settings, self.key, self.replies.get, self.replies.__setitem__, max_retries=0)
        return BatchClient(client, lambda: json.loads(json.dumps(self.sent)), lambda sent: self.sent.__setitem__(slice(None), sent))

    def propose(self, n: int = 1, texts=TEXTS, progress=lambda *step: None):
        generator, found = LLMGenerator(self.client(), Task("Is it praise?", ("praise", "complaint"))), {}
        asks = [Ask(Example(text, text, "praise"), "praise", "complaint") for text in texts]
        outcome = propose_by_batch(
            generator, asks, n, lambda ask, p: found.setdefault(ask.example.id, [cf.text for cf in p.counterfactuals]), progress
        )
        return outcome, found


def stop_when_sent(run: Run):
    def progress(done, total, message=""):
        if run.sent and run.sent[-1]["id"]:
            raise Cancelled("Cancelled.")

    return progress


def test_all_but_the_first_request_go_as_one_batch_and_come_back_in_any_order():
    """Prevents: an answer is given to another text; the run is told to have cost nothing since all answers were on record."""
    with FakeBatches(better, looks=3) as server:
        run = Run(server)
        outcome, found = run.propose()
        assert found == {text: [text.replace("good", "bad (0)")] for text in TEXTS}
        assert (server.calls, len(server.batches), len(server.batched)) == (1, 1, 4)
        assert outcome.proposed == 5 and outcome.cached == 0 and outcome.cost_usd > 0 and not outcome.failed
        assert run.sent == [] and sorted(server.gone) == ["file-1", "file-2"], "the service keeps no text of the person's"
        again, same = run.propose()
        assert same == found and (server.calls, len(server.batches)) == (1, 1) and again.cost_usd == 0


def test_several_answers_come_with_one_request_where_the_model_gives_them():
    """Prevents: the prompt is paid for once an answer."""
    with FakeBatches(better, several=True) as server:
        outcome, _ = Run(server).propose(n=2)
        assert [body["n"] for body in server.batched] == [2] * 4 and outcome.dropped == {"duplicate": 5}
    with FakeBatches(better) as server:
        outcome, found = Run(server).propose(n=2)
        assert len(server.batched) == 9 and all("n" not in body for body in server.batched), "known from the first request"
        assert all(texts == [t.replace("good", f"bad ({i})") for i in (0, 1)] for t, texts in found.items())


def test_a_text_in_the_error_file_is_named_and_the_others_are_done():
    """Prevents: one text that is too long or filtered loses a day of everybody's answers, or is paid for again."""

    def wrong(body):
        said = body["messages"][-1]["content"]
        return (400, "maximum context length exceeded") if TEXTS[2] in said else (500, "the GPU fell off") if TEXTS[3] in said else None

    with FakeBatches(better, wrong=wrong) as server:
        run = Run(server)
        outcome, found = run.propose()
        assert set(found) == {TEXTS[0], TEXTS[1], TEXTS[4]}
        assert list(outcome.refused) == [TEXTS[2]] and "too long" in outcome.refused[TEXTS[2]][1]
        assert list(outcome.failed) == [TEXTS[3]] and "the GPU fell off" in outcome.failed[TEXTS[3]]
        server.wrong = lambda body: None
        outcome, found = run.propose()
        assert set(found) == {TEXTS[0], TEXTS[1], TEXTS[3], TEXTS[4]} and list(outcome.refused) == [TEXTS[2]]
        assert server.calls == 2 and len(server.batches) == 1, "the one that was left was asked for by itself"


def test_a_batch_that_expires_gives_what_it_has():
    """Prevents: a partial output counts as nothing, or texts without an answer as done."""
    with FakeBatches(better, ends="expired", until=2) as server:
        run = Run(server)
        outcome, found = run.propose()
        assert set(found) == set(TEXTS[:3]) and set(outcome.failed) == set(TEXTS[3:])
        assert all("not executed" in why for why in outcome.failed.values()) and run.sent == []
        server.ends = "completed"
        assert set(run.propose()[1]) == set(TEXTS) and len(server.batches) == 2 and len(server.batched) == 5


def test_a_run_that_begins_again_waits_for_the_batch_that_was_sent():
    """Prevents: a restart of the app sends a second batch, and both are paid for. The key is in nothing that is kept."""
    with FakeBatches(better, looks=10_000, key=KEY) as server:
        run = Run(server, KEY)
        seen = []

        def ends(done, total, message=""):
            seen.append(message)
            if run.sent and run.sent[-1]["id"]:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            run.propose(progress=ends)
        assert run.sent[0]["id"] == "batch_1" and server.batches["batch_1"]["status"] == "in_progress", "it goes on there"
        assert KEY not in json.dumps([run.sent, run.replies]) and not any(text in json.dumps(run.sent) for text in TEXTS)
        server.batches["batch_1"]["left"] = 1
        assert set(run.propose()[1]) == set(TEXTS) and len(server.batches) == 1 and server.calls == 1


@pytest.mark.parametrize("made", [True, False])
def test_a_process_that_ends_while_a_batch_is_made_leaves_no_second_one(made, monkeypatch):
    """Prevents: the service began, nobody wrote down its id, and the batch is paid for and never read."""
    with FakeBatches(better) as server:
        run = Run(server)
        create = batch_client.Batches.create

        def dies(self, file):
            if made:
                create(self, file)
            raise KeyboardInterrupt

        monkeypatch.setattr(batch_client.Batches, "create", dies)
        with pytest.raises(KeyboardInterrupt):
            run.propose()
        assert run.sent[0]["id"] == "" and len(server.batches) == made
        monkeypatch.undo()
        monkeypatch.setattr(batch_client, "FIRST_LOOK_S", 0.01)
        assert set(run.propose()[1]) == set(TEXTS) and len(server.batches) == 1


def test_cancelling_the_run_cancels_the_batch_and_keeps_its_answers():
    """Prevents: a person presses Cancel and is charged for the rest all the same; or what was answered until then is lost."""
    with FakeBatches(better, looks=10_000, until=2) as server:
        run = Run(server)
        with pytest.raises(Cancelled):
            run.propose(progress=stop_when_sent(run))
        assert server.batches["batch_1"]["status"] == "cancelling" and run.sent[0]["cancelled"]
        server.looks = 1
        _, found = run.propose()
        assert set(found) == set(TEXTS)
        assert server.calls == 2 and len(server.batched) == 5, "two of four were there; of the other two one went by itself"


def test_a_service_that_is_away_for_a_moment_is_asked_again(monkeypatch):
    """Prevents: a restart of the service in the night ends the run, or its answers are lost."""
    monkeypatch.setattr("cod_core.models.batches.FIRST_BACKOFF_S", 0.001)
    with FakeBatches(better, looks=2) as server:
        run = Run(server)
        run.client()
        server.down = 6
        assert set(run.propose()[1]) == set(TEXTS)


def test_a_batch_that_fails_as_a_whole_is_said_in_the_services_words():
    """Prevents: texts count as without an answer, one by one, for a reason that concerns them all."""
    with FakeBatches(better, ends="failed") as server:
        run = Run(server)
        with pytest.raises(EndpointError, match="Enqueued token limit reached"):
            run.propose()
        assert run.sent == []


def test_a_batch_that_the_service_forgot_is_not_waited_for():
    """Prevents: a run that can never end, nor begin again."""
    with FakeBatches(better, looks=10_000) as server:
        run = Run(server)
        run.sent[:] = [{"file": "file-0", "id": "batch_0", "asked": {"a": ["a"]}, "cancelled": False}]
        server.forgets = True
        with pytest.raises(EndpointError, match="does not know the batch batch_0 any more"):
            run.propose()
        assert run.sent == []


def test_answers_that_nobody_asked_for_and_lines_that_are_none_change_nothing():
    """Prevents: a service writes what it likes under the key of another text, or a broken line ends the run."""
    with FakeBatches(better) as server:
        run = Run(server)
        end = server._end

        def and_more(batch):
            end(batch)
            row = json.loads(server.files[batch["output"]].splitlines()[0])
            strange = [{**row, "custom_id": "f" * 64}, {**row, "custom_id": 7}, ["no", "line"], {**row, "response": "no"}]
            lines = [*map(json.dumps, strange), "{", "", '{"custom_id": "' + "9" * 64 + '"', server.files[batch["output"]].decode()]
            server.files[batch["output"]] = "\n".join(lines).encode() + b"\n\xff\xfe\x00"

        server._end = and_more
        _, found = run.propose()
        assert len(run.replies) == 5 and set(found) == set(TEXTS) and all(text.split()[1] in found[text][0] for text in TEXTS)


def test_an_address_without_batches_says_so():
    """Prevents: "knows no model" for an address whose chat works."""
    with FakeBatches(better) as server:
        server.post = lambda handler, data: (
            FakeBatches.post(server, handler, data)
            if "chat" in handler.path
            else handler.send(404, '{"error": {"message": "no such path"}}')
        )
        with pytest.raises(EndpointError, match="takes no batches at this address"):
            Run(server).propose()


def test_a_file_of_answers_beyond_the_limit_is_not_read(monkeypatch):
    """Prevents: a service fills the memory of the machine with one file."""
    monkeypatch.setattr("cod_core.models.batches.MAX_RESULT_BYTES", 1000)
    with FakeBatches(better) as server, pytest.raises(EndpointError, match="sent a reply of more than"):
        Run(server).propose()
