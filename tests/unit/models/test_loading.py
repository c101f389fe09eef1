"""Models loaded by several threads of one process."""

import subprocess
import sys

import pytest

CODE = """
import threading
from cod_core.models.encoder import Encoder
from cod_core.models.teachers import BUILTIN, FineTunedTeacher

made, wrong = {}, []

def load(name, make):
    try:
        made[name] = make()
    except BaseException as error:
        wrong.append(repr(error))

threads = [threading.Thread(target=load, args=pair) for pair in (
    ("teacher", lambda: FineTunedTeacher(BUILTIN / "movies")), ("encoder", Encoder),
    ("other", lambda: FineTunedTeacher(BUILTIN / "amazon")))]
[t.start() for t in threads]
[t.join() for t in threads]
assert not wrong, wrong
assert made["teacher"].predict(["A splendid film."])[0].label == "positive"
assert made["encoder"].encode(["A splendid film."]).shape == (1, 384)
print("fine")
"""


@pytest.mark.slow
def test_teacher_and_encoder_load_in_two_threads_at_once():
    """The Curate page does: transformers' lazy imports then raised ImportError in one of them, now and then."""
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, timeout=180)
    assert done.stdout.strip().endswith("fine"), done.stderr[-800:]
