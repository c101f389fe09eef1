"""The wheel in a fresh environment outside the clone: what it carries, the main job, the studio's first page.

Installed, started and asked for its health by the scripts of deploy/, as in the image.

The fresh environment sees the packages of the present one by a .pth file, so that nothing is downloaded; ours it has from the
wheel alone.
"""

import json
import os
import signal
import site
import socket
import subprocess
import sys
import time
import venv
import zipfile
from functools import partial
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MAX_BYTES = 12 * 2**20
TEXTS = {"positive": ("good", "great", "lovely", "superb"), "negative": ("bad", "awful", "horrible", "poor")}
pytestmark = [pytest.mark.slow, pytest.mark.e2e]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    out = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "wheel", str(ROOT), "--no-deps", "--no-build-isolation", "-q", "-w", str(out)]
    done = subprocess.run(pip, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (made,) = out.glob("*.whl")
    return made


@pytest.fixture(scope="module")
def fresh(wheel, tmp_path_factory):
    """The bin folder of the fresh environment."""
    folder = tmp_path_factory.mktemp("fresh") / "venv"
    venv.create(folder, with_pip=False, symlinks=True)
    (own,) = folder.glob("lib/python*/site-packages")
    (own / "present.pth").write_text("\n".join(site.getsitepackages()) + "\n")
    environment = {**os.environ, "COD_PYTHON": sys.executable, "PIP_NO_DEPS": "1"}
    subprocess.run(["sh", ROOT / "deploy" / "install.sh", wheel, folder, "postgres"], check=True, env=environment)
    return folder / "bin"


@pytest.fixture
def outside(tmp_path):
    """An environment that names neither the clone nor a data folder, and the folder to work in."""
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV", "COD_DATABASE_URL")}
    return {"env": {**kept, "COD_HOME": str(tmp_path / "home"), "OMP_NUM_THREADS": "1"}, "cwd": tmp_path}


def test_the_wheel_carries_every_file_and_one_name(wheel):
    """A file that git tracks and the wheel leaves out is missed on the machine of somebody else only; a top-level `ui` or `pages`
    would meet those of other packages."""
    listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "cod_core", "ui", "pages", "app.py", ".streamlit"]
    tracked = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True).stdout.split()
    expected = {name if name.startswith("cod_core/") else f"cod_core/_studio/{name}" for name in tracked}
    inside = set(zipfile.ZipFile(wheel).namelist())
    assert len(expected) > 200 and not expected - inside
    assert {name.split("/")[0] for name in inside} == {"cod_core", wheel.name.removesuffix("-py3-none-any.whl") + ".dist-info"}
    assert not [name for name in inside - expected if ".dist-info/" not in name], "what git does not track must not leave"
    assert wheel.stat().st_size < MAX_BYTES


def test_the_main_job_runs_outside_the_clone(fresh, outside, tmp_path):
    """The first command as a person runs it; the rest in one process, since each of them would load torch again."""

    def said(*command):
        done = subprocess.run(command, capture_output=True, text=True, **outside)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    rows = [f"This phone is {word}.,{label}" for label, words in TEXTS.items() for word in words]
    (tmp_path / "texts.csv").write_text("text,label\n" + "\n".join(rows) + "\n")
    project = json.loads(said(fresh / "cod", "import", "texts.csv", "--labels", "negative,positive", "--json"))["project"]
    rest = [["teacher", project, "builtin:amazon"], ["generate", project, "--k", "4", "--accept", "--json"], ["export", project, "set.zip"]]
    script = f"from cod_core.__main__ import app\nfor line in {rest!r}: app(line, standalone_mode=False)"
    lines = said(fresh / "python", "-c", script).splitlines()
    assert json.loads(next(line for line in lines if line.startswith("{")))["accepted"] >= 2
    assert b"This phone is" in zipfile.ZipFile(tmp_path / "set.zip").read("data/train.jsonl")


def test_the_studio_opens_outside_the_clone(fresh, outside, tmp_path, browser):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    outside["env"] |= {"PATH": f"{fresh}{os.pathsep}{outside['env']['PATH']}", "COD_PORT": str(port)}
    healthy = partial(subprocess.call, ["sh", ROOT / "deploy" / "health.sh"], stderr=subprocess.DEVNULL, **outside)
    assert healthy() != 0
    with open(tmp_path / "log", "wb") as log:
        server = subprocess.Popen(["sh", ROOT / "deploy" / "start.sh", "app"], stdout=log, stderr=log, **outside)
    try:
        until = time.monotonic() + 120
        while healthy() != 0:
            assert server.poll() is None and time.monotonic() < until, (tmp_path / "log").read_text()
            time.sleep(0.5)
        tab = browser.new_page()
        tab.goto(f"http://127.0.0.1:{port}/")
        tab.get_by_role("button", name="Try the sample project").wait_for(timeout=60_000)
        brand = tab.locator(".cod-brand")
        brand.wait_for(state="attached")
        assert brand.evaluate("e => getComputedStyle(e).fontWeight") != "400", "the style sheet came along"
        tab.close()
        assert "Network URL" not in (tmp_path / "log").read_text(), "the settings came along: bound to this machine alone"
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(30)
