"""The commands, run as a person's script would run them: a CSV in, a bundle out, exit codes."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.slow


def run(home, *arguments, code: int = 0):
    done = subprocess.run([sys.executable, "-m", "cod_core", *map(str, arguments), "--home", str(home)],
                          capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == code, done.stdout + done.stderr
    return done


def test_a_csv_becomes_a_bundle_and_a_student(tmp_path):
    texts = ["good", "great", "lovely", "superb"], ["bad", "awful", "horrible", "poor"]
    rows = [f"This phone is {word}.,{label}" for words, label in zip(texts, ("positive", "negative")) for word in words]
    train, test = tmp_path / "train.csv", tmp_path / "test.csv"
    train.write_text("text,label\n" + "\n".join(rows) + "\n,positive\n")
    test.write_text("text,label\nWhat an excellent camera.,positive\nWhat a terrible camera.,negative\n")
    home = tmp_path / "home"
    made = json.loads(run(home, "import", train, "--labels", "negative,positive", "--json").stdout)
    pid = made["project"]
    assert made["added"] == 8 and made["problems"][0]["row"]
    run(home, "import", test, "--project", pid, "--role", "test")
    run(home, "teacher", pid, "builtin:amazon", "--json")
    out = json.loads(run(home, "generate", pid, "--k", 8, "--accept", "--json").stdout)
    assert out["accepted"] >= 4
    said = json.loads(run(home, "distill", pid, "--seeds", 3, "--json").stdout)
    assert "training rows" in said["sentence"]
    run(home, "export", pid, tmp_path / "out.zip")
    run(home, "export", pid, tmp_path / "student.zip", "--student")
    assert (tmp_path / "out.zip").stat().st_size > 1000 and (tmp_path / "student.zip").stat().st_size > 1000


def test_a_problem_has_a_message_and_exit_code_1(tmp_path):
    done = run(tmp_path, "generate", "nowhere", code=1)
    assert "does not exist" in done.stderr and "Traceback" not in done.stderr and done.stdout == ""


def test_wrong_use_has_exit_code_2(tmp_path):
    run(tmp_path, "generate", code=2)
