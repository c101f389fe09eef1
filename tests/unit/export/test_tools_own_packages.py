"""The exported set read back by the packages of the tools themselves: Label Studio's, Argilla's, SetFit's.

Label Studio's asks for an older numpy than ours, so the packages of tools.txt are put into a folder of their own, without what they
need besides, and are looked for behind ours, in a process of its own. Skipped where the package index gives them not.
"""

import json
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from cod_core.export.forms import FORMS, Words, form_for, write_form
from cod_core.export.libraries import write_sentence_transformers
from tests.unit.export.export_items import ITEMS, LABELS
from tests.unit.export.test_libraries import INFO, TEXTS, a_student, bert, code_of  # noqa: F401  bert is a fixture

HERE = Path(__file__).parent
WORDS = Words(LABELS, ("bad", "good"), "Be kind.")
pytestmark = pytest.mark.slow
LABEL_STUDIO = """
from label_studio_sdk.converter import Converter
from label_studio_sdk.label_interface import LabelInterface
code, tasks = open("set.xml", encoding="utf-8").read(), json.load(open("set.json", encoding="utf-8"))
view = LabelInterface(code)
bad = [one for task in tasks for one in task["annotations"] if not view.validate_annotation(one)]
bad += [one for task in tasks for one in task.get("predictions", []) if not view.validate_prediction(one)]
Converter(code, ".").convert_to_json_min("set.json", "out", is_dir=False)
rows = json.load(open("out/result.json", encoding="utf-8"))
labels = list(next(iter(view.controls)).labels)
print(json.dumps([len(bad), labels, [[row["text"], row["label"], row["pair_id"], row["role"]] for row in rows]]))
"""
ARGILLA = """
import argilla as rg
client = rg.Argilla(api_url=sys.argv[2], api_key="none")
settings = rg.Settings.from_json("set/.argilla/settings.json")
dataset = rg.Dataset("counterfactuals", settings=settings, client=client)
out = []
for row in json.load(open("set/records.json", encoding="utf-8")):
    sent = rg.Record.from_dict(row, dataset=dataset).api_model()
    told = {one.name: one.value for one in sent.metadata}
    (response,), names = sent.responses, [one.name for one in settings.metadata]
    assert set(told) >= set(names), names
    said = [one.value for one in sent.suggestions]
    out.append([sent.fields["text"], response.values["label"]["value"], told["pair_id"], told["role"], response.status.value, said])
(question,) = settings.questions
print(json.dumps([settings.guidelines, question.labels, out]))
"""
SETFIT = """
from setfit import SetFitModel
exec(open("card.py", encoding="utf-8").read())
model = SetFitModel(model_body=encoder, model_head=classifier, labels=labels)
texts = json.load(open("texts.json", encoding="utf-8"))
print(json.dumps([list(map(str, model.predict(texts))), model.predict_proba(texts).tolist()]))
"""


@pytest.fixture(scope="module")
def tools(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tools")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(folder), "-r", str(HERE / "tools.txt")]
    done = subprocess.run(pip, capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip("the packages of the tools are not to be had here")
    return folder


def said_by(tools: Path, script: str, folder: Path, *more: str):
    """What the script prints last, as JSON; run in the folder, with the tools' packages behind ours."""
    start = "import json, sys; sys.path.append(sys.argv[1])"
    done = subprocess.run([sys.executable, "-c", start + script, str(tools), *more], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def rows() -> list[list[str]]:
    """text, label, pair_id, role of what leaves."""
    out = []
    for one in ITEMS[:4]:
        a, b = (one.example.text, one.example.label), (one.counterfactual.text, one.counterfactual.target)
        out += [[*a, one.example.id, "original"], [*b, one.example.id, "counterfactual"]]
    return out


def test_label_studios_own_package_takes_the_tasks(tools, tmp_path):
    """Prevents: tasks that the labelling interface beside them does not fit, so that Label Studio shows texts without labels."""
    write_form(tmp_path / "set.json", form_for("set.json", "label-studio"), ITEMS, WORDS)
    (tmp_path / "set.xml").write_text(next(one for one in FORMS if one.key == "label-studio").then(WORDS).code, encoding="utf-8")
    bad, labels, found = said_by(tools, LABEL_STUDIO, tmp_path)
    assert bad == 0 and labels == list(LABELS) and found == rows()


def test_argillas_own_package_takes_the_records(tools, tmp_path):
    """Prevents (proven): labels that arrive as drafts, which Argilla counts as not given."""

    class Me(BaseHTTPRequestHandler):
        def do_GET(self):
            body = json.dumps({"id": "0f0c7a52-4d0b-5b0e-9d8f-0c0d5a0d0e0f", "username": "me", "role": "owner"}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            pass

    write_form(tmp_path / "set", form_for("set", "argilla"), ITEMS, WORDS)
    with ThreadingHTTPServer(("127.0.0.1", 0), Me) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        guideline, labels, found = said_by(tools, ARGILLA, tmp_path, f"http://127.0.0.1:{server.server_address[1]}")
        server.shutdown()
    assert guideline == WORDS.guideline and labels == list(LABELS)
    assert [row[:4] for row in found] == rows() and {row[4] for row in found} == {"submitted"}
    assert all(len(row[5]) <= 1 for row in found) and any(row[5] for row in found)


def test_setfit_takes_the_student_as_its_card_says(tools, bert, tmp_path):  # noqa: F811
    """Prevents: a card whose sentence about SetFit nobody ever tried."""
    labels = ("no, never", "yes")
    student = a_student(bert, labels)
    folder = write_sentence_transformers(tmp_path / "student", student, INFO)
    (folder / "card.py").write_text(code_of(folder), encoding="utf-8")
    (folder / "texts.json").write_text(json.dumps(TEXTS), encoding="utf-8")
    told, probs = said_by(tools, SETFIT, folder)
    right = student.logprobs(TEXTS)
    assert told == [labels[i] for i in right.argmax(1)]
    assert [sum(abs(a - 2.718281828459045**b) for a, b in zip(*pair)) < 1e-4 for pair in zip(probs, right)] == [True] * len(TEXTS)
