"""What the image and the compose file name exists: no container daemon is here, so their words are held against the code."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from cod_core.__main__ import app as commands

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
IMAGE = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
OURS = {name: service for name, service in COMPOSE["services"].items() if service["image"] == "cod-studio"}
CODE = "".join(
    path.read_text(encoding="utf-8")
    for folder in (ROOT / "cod_core", ROOT / "ui", DEPLOY)
    for path in folder.rglob("*")
    if path.suffix in (".py", ".sh")
)


def test_the_image_copies_what_exists_and_runs_as_a_user_of_its_own():
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", IMAGE, re.MULTILINE)
    assert copied and not [name for line in copied for name in line.split() if not (ROOT / name).exists()]
    last = IMAGE.rsplit("FROM ", 1)[1]
    assert "\nUSER cod\n" in last and "\nVOLUME /data\n" in last and "COD_HOME=/data" in last and "\nHEALTHCHECK " in last
    assert last.index("USER cod") > last.rindex("RUN ")


def test_the_image_gets_what_the_wheel_is_made_of():
    """A file that .dockerignore holds back is missing in the image alone."""
    let_in = {line[1:] for line in (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines() if line.startswith("!")}
    assert not [name for name in let_in if not (ROOT / name).exists()]
    assert {"app.py", "pages", "ui", "cod_core", ".streamlit/config.toml", "pyproject.toml", "README.md"} <= let_in
    assert not {".", ".streamlit", ".git"} & let_in, "secrets stay out"


def test_every_service_of_ours_runs_a_command_that_exists():
    known = {command.name or command.callback.__name__ for command in commands.registered_commands} | {"scheduler", "cluster-worker"}
    assert {service["command"][0] for service in OURS.values()} <= known and {"app", "worker"} <= set(OURS)


@pytest.mark.parametrize("name", [name for name, service in OURS.items() if "environment" in service])
def test_every_variable_of_a_service_is_read_somewhere(name):
    """A misspelt variable is silence."""
    assert not [key for key in OURS[name]["environment"] if key.startswith("COD_") and key not in CODE]


def test_app_and_worker_share_database_and_files_and_no_port_is_open_to_the_world():
    app, worker = OURS["app"], OURS["worker"]
    assert app["environment"] == worker["environment"] and app["environment"]["COD_JOBS"] == "service"
    assert "data:/data" in app["volumes"] and "data:/data" in worker["volumes"]
    assert [port for service in COMPOSE["services"].values() for port in service.get("ports", ())] == ["127.0.0.1:8501:8501"]


def test_no_password_stands_in_a_file():
    named = [
        line
        for line in (DEPLOY / "compose.yaml").read_text().splitlines()
        if re.search(r"PASSWORD|_KEY", line) and ":" in line and "#" not in line
    ]
    assert named and all("${" in line for line in named)


@pytest.mark.parametrize("script", ["install.sh", "start.sh", "health.sh", "lock.sh"])
def test_scripts_are_plain_sh(script):
    assert subprocess.run(["sh", "-n", DEPLOY / script]).returncode == 0


@pytest.mark.parametrize(
    ("given", "started"),
    [
        ([], "cod app --no-browser --port 8501 --server.address 127.0.0.1"),
        (["app", "--server.baseUrlPath", "x"], "cod app --no-browser --port 8501 --server.address 127.0.0.1 --server.baseUrlPath x"),
        (["worker"], "cod worker"),
        (["cluster-worker", "--resources", "GPU=1"], "dask worker tcp://s:1 --nthreads 1 --resources GPU=1"),
        (["projects", "--json"], "cod projects --json"),
    ],
)
def test_a_container_starts_what_it_is_told(tmp_path, given, started):
    for name in ("cod", "dask"):
        (tmp_path / name).write_text(f'#!/bin/sh\necho {name} "$@"\n')
        (tmp_path / name).chmod(0o755)
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin", "COD_SCHEDULER": "tcp://s:1"}
    done = subprocess.run(["sh", DEPLOY / "start.sh", *given], capture_output=True, text=True, env=environment)
    assert done.stdout.strip() == started, done.stderr
