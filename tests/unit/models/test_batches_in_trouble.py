"""Batches whose service stumbles: nothing is made twice, no batch stands in the way of the next run, no key is said."""

import json

import pytest

from cod_core.errors import Cancelled
from cod_core.models import batch_client, batches
from cod_core.models.endpoint_errors import EndpointError
from tests.batches import FakeBatches
from tests.unit.models.test_batches import KEY, TEXTS, Run, better, stop_when_sent


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    monkeypatch.setattr(batch_client, "FIRST_LOOK_S", 0.01)
    monkeypatch.setattr(batch_client, "MOST_LOOK_S", 0.02)
    monkeypatch.setattr(batches, "FIRST_BACKOFF_S", 0.01)


def once(server, answer, where=lambda path, data: path.endswith("/batches")):
    """The first POST that `where` picks is answered by `answer(handler, data)`, every other one as ever."""
    usual, done = server.post, []

    def post(handler, data):
        if where(handler.path.partition("?")[0], data) and not done:
            done.append(1)
            return answer(handler, data)
        return usual(handler, data)

    server.post = post


def test_a_batch_whose_making_was_not_answered_is_not_made_again():
    """Each retry of the call was a batch of its own, paid and read by nobody."""
    with FakeBatches(better) as server:

        def made_and_lost(handler, data):
            server._make(json.loads(data))
            return handler.send(504, '{"error": {"message": "gateway timeout"}}')

        once(server, made_and_lost)
        _, found = Run(server).propose()
        assert set(found) == set(TEXTS) and len(server.batches) == 1


def test_a_refused_batch_is_not_sent_by_the_next_run_that_wants_less():
    """Its requests stood on record, and were paid for whatever was asked for next."""
    with FakeBatches(better) as server:
        once(server, lambda handler, data: handler.send(400, '{"error": {"message": "Billing hard limit has been reached"}}'))
        run = Run(server)
        with pytest.raises(EndpointError):
            run.propose()
        assert run.sent == [] and not server.batches
        run.propose(texts=TEXTS[:1])
        assert not server.batches and len(server.gone) == 1, "the file of texts is deleted too"


def test_an_uploaded_file_that_became_no_batch_is_forgotten():
    with FakeBatches(better) as server:
        run = Run(server)
        run.sent[:] = [{"file": "file-old", "id": "", "asked": {"a": ["a"]}, "cancelled": False}]
        _, found = run.propose()
        assert set(found) == set(TEXTS) and run.sent == []


def test_answers_that_are_gone_end_one_run_and_not_every_later_one():
    """The batch stayed on record, and each run of the project and model ended with the same words."""
    with FakeBatches(better, looks=10_000) as server:
        run = Run(server)
        with pytest.raises(Cancelled):
            run.propose(progress=stop_when_sent(run))
        server.batches["batch_1"]["left"] = 1
        usual, done = server.get, []

        def get(handler):
            if "/files/" in handler.path and not done:
                done.append(1)
                return handler.send(404, '{"error": {"message": "No such File object"}}')
            return usual(handler)

        server.get = get
        server.looks = 1
        with pytest.raises(EndpointError, match="cannot be had .* any more. Their file is gone. Start again"):
            run.propose()
        assert run.sent == []


def test_a_batch_holds_no_more_answers_than_their_file_may_be_large(monkeypatch):
    """Requests were counted, so eight answers a request made a file that nobody reads."""
    monkeypatch.setattr(batch_client, "MOST_ANSWERS", 4)
    with FakeBatches(better, several=True) as server:
        _, found = Run(server).propose(n=2)
        assert set(found) == set(TEXTS) and [len(one["asked"]) for one in server.batches.values()] == [2, 2]


def test_cancelling_goes_on_behind_a_batch_that_had_ended_already(monkeypatch):
    """The first refusal ended it: the other batches went on and were charged."""
    monkeypatch.setattr(batch_client, "MOST_ANSWERS", 2)
    with FakeBatches(better, looks=10_000) as server:
        run = Run(server)

        def ended(handler, data):
            server.batches["batch_1"]["status"] = "completed"
            return handler.send(409, '{"error": {"message": "Cannot cancel a batch with status completed."}}')

        once(server, ended, lambda path, data: path.endswith("batch_1/cancel"))

        def stop(done, total, message=""):
            if len(run.sent) == 2 and all(one["id"] for one in run.sent):
                raise Cancelled("Cancelled.")

        with pytest.raises(Cancelled):
            run.propose(progress=stop)
        assert [one["cancelled"] for one in run.sent] == [True, True]
        assert server.batches["batch_2"]["status"] in ("cancelling", "cancelled")


def test_the_key_is_not_said_by_a_batch_that_failed():
    with FakeBatches(better, ends="failed", key=KEY) as server:
        usual = server._shown

        def shown(batch):
            told = usual(batch)
            return told | {"errors": {"data": [{"message": f"Incorrect API key provided: {KEY}"}]}} if batch["status"] == "failed" else told

        server._shown = shown
        with pytest.raises(EndpointError) as error:
            Run(server, KEY).propose()
        assert "Incorrect API key" in str(error.value) and KEY not in str(error.value)


def test_a_status_in_capitals_ends_a_batch_too():
    """Prevents: waiting for ever for a service that writes COMPLETED."""
    with FakeBatches(better) as server:
        usual = server._shown
        server._shown = lambda batch: usual(batch) | {"status": batch["status"].upper()}
        run = Run(server)
        looks = []

        def patient(done, total, message=""):
            looks.append(done)
            assert len(looks) < 200

        _, found = run.propose(progress=patient)
        assert sorted(found) == sorted(TEXTS) and all(found.values())
