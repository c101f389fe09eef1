"""The commands, run as a person's script would run them: a CSV in, a bundle out, exit codes."""

import contextlib
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from cod_core.__main__ import main

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.slow


def in_a_process(home, *arguments, code: int = 0):
    """The command as a shell runs it: seconds each, for the time that a process takes to import."""
    done = subprocess.run(
        [sys.executable, "-m", "cod_core", *map(str, arguments), "--home", str(home)], capture_output=True, text=True, cwd=ROOT
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done


def run(home, *arguments, code: int = 0):
    """The same command in this process: what it printed and its exit code."""
    out, err, former = io.StringIO(), io.StringIO(), sys.argv
    sys.argv = ["cod", *map(str, arguments), "--home", str(home)]
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                returned = main()
            except SystemExit as stop:
                returned = int(stop.code or 0)
    finally:
        sys.argv = former
    assert returned == code, out.getvalue() + err.getvalue()
    return subprocess.CompletedProcess(arguments, returned, out.getvalue(), err.getvalue())


def test_a_csv_becomes_a_bundle_and_a_student(tmp_path):
    texts = ["good", "great", "lovely", "superb"], ["bad", "awful", "horrible", "poor"]
    rows = [f"This phone is {word}.,{label}" for words, label in zip(texts, ("positive", "negative")) for word in words]
    train, test = tmp_path / "train.csv", tmp_path / "test.csv"
    train.write_text("text,label\n" + "\n".join(rows) + "\n,positive\n")
    test.write_text("text,label\nWhat an excellent camera.,positive\nWhat a terrible camera.,negative\n")
    home = tmp_path / "home"
    made = json.loads(in_a_process(home, "import", train, "--labels", "negative,positive", "--json").stdout)
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


def test_every_decision_of_the_screen_can_be_made_by_a_command(tmp_path):
    home, texts = tmp_path / "home", tmp_path / "texts.csv"
    rows = ["This phone is good.,1", "This phone is bad.,0", "What a lovely camera.,1", "What an awful camera.,0"]
    texts.write_text("text,label\n" + "\n".join(rows) + "\n")
    pid = json.loads(
        run(home, "import", texts, "--labels", "negative,positive", "--label-map", '{"0": "negative", "1": "positive"}', "--json").stdout
    )["project"]

    def curate(*arguments):
        return json.loads(run(home, "curate", pid, *arguments, "--annotator", "ann", "--json").stdout)

    run(home, "teacher", pid, "builtin:amazon")
    run(home, "generate", pid, "--k", 4)
    pending = curate()
    first, second = pending[0], pending[1]
    assert first["status"] == "pending" and all(p["flipped"] for row in pending for p in row["proposals"])
    assert curate("--accept", first["proposals"][0]["id"])["status"] == "accepted"
    assert curate("--reject", second["proposals"][0]["id"], "--reason", "not_fluent")["status"] == "rejected"
    assert len(curate()) == len(pending) - 2
    assert curate("--undo")["undone"] == second["proposals"][0]["id"]
    opposite = "This phone is terrible." if first["label"] == "positive" else "This phone is excellent."
    tried = curate("--edit", first["text_id"], "--to", opposite, "--dry")
    assert tried["flipped"] and tried["counterfactual"] is None
    kept = curate("--edit", first["text_id"], "--to", opposite)
    row = next(r for r in curate("--all") if r["text_id"] == first["text_id"])
    assert row["status"] == "edited" and row["proposals"][0]["id"] == kept["counterfactual"]
    refused = run(home, "curate", pid, "--edit", first["text_id"], "--to", first["text"] + " It is.", code=1)
    assert "does not change its mind" in refused.stderr


def test_a_problem_has_a_message_and_exit_code_1(tmp_path):
    done = in_a_process(tmp_path, "generate", "nowhere", code=1)
    assert "does not exist" in done.stderr and "Traceback" not in done.stderr and done.stdout == ""


def test_wrong_use_has_exit_code_2(tmp_path):
    in_a_process(tmp_path, "generate", code=2)
