"""A click on a bar of the Results page opens that text in Curate, in real Chromium. Every number is already on record."""

import math
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import numpy as np
import pytest
import studio

from cod_core.store import cache, items, projects, runs
from cod_core.text import char_distance, edit_fraction, text_hash, token_distance
from cod_core.types import Counterfactual, Example, FlipCheck, Origin, Prediction, RunConfig, RunResult, Task, now
from cod_core.workspace import Workspace

pytestmark = [pytest.mark.e2e, pytest.mark.slow]
ROOT, LABELS = Path(__file__).parents[2], ("negative", "positive")
PAIRS = [
    ("A splendid film.", "A hideous film.", 0.95),
    ("The plot drags.", "The plot sparkles.", 0.06),
    ("A joy to watch.", "A pain to watch.", 0.93),
    ("Dull and long.", "Sharp and long.", 0.1),
]


def told(p: float) -> Prediction:
    return Prediction(LABELS, (math.log(1 - p), math.log(p)))


@pytest.fixture
def finished(tmp_path):
    """(data folder, project) with four kept pairs, development and test texts, and students of both arms."""
    from safetensors.numpy import save_file

    w, rng = Workspace(tmp_path / "home"), np.random.default_rng(0)
    pid = w.create_project("Films", Task("Good or bad?", LABELS))
    projects.set_teacher(w.db, pid, {"kind": "builtin", "name": "movies"})
    teacher, known = w.project(pid).teacher.classifier(), {}
    for i, (a, b, p) in enumerate(PAIRS):
        source, target = (LABELS[1], LABELS[0]) if p > 0.5 else LABELS
        items.add_examples(w.db, pid, [Example(f"e{i}", a, source)])
        items.add_counterfactuals(w.db, pid, [Counterfactual(f"c{i}", f"e{i}", b, source, target, Origin("search", "s"))])
        items.add_checks(
            w.db,
            pid,
            [
                FlipCheck(
                    f"c{i}",
                    teacher.id,
                    teacher.revision,
                    told(p),
                    told(1 - p),
                    target,
                    token_distance(a, b),
                    edit_fraction(a, b),
                    char_distance(a, b),
                    0.9,
                    False,
                    now(),
                )
            ],
        )
        known |= {a: p, b: 1 - p}
        w.project(pid).curation.decide(f"c{i}", "accepted", "ann")
    held = [Example(f"{s}{i}", f"{s} film {i}.", LABELS[i % 2], s) for s in ("validation", "test") for i in range(8)]
    items.add_examples(w.db, pid, held)
    known |= {e.text: 0.9 if e.label == "positive" else 0.1 for e in held}
    cache.put_predictions(w.db, teacher.id, teacher.revision, {text_hash(t): told(p).logprobs for t, p in known.items()})
    vectors = rng.normal(size=(len(known), 384)).astype(np.float32)
    cache.put_embeddings(w.db, w.models.encoder().id, {text_hash(t): v / np.linalg.norm(v) for t, v in zip(known, vectors)})
    ids = []
    for arm in ("kd", "cod"):
        for seed in range(6):
            config = RunConfig("kd", arm, 4, seed, "linear", w.models.encoder().id, teacher.id, teacher.revision, f"{arm}{seed}")
            save_file(
                {
                    "weight": rng.normal(size=(2, 384)).astype("float32"),
                    "bias": np.zeros(2, "float32"),
                    "test_predicted": rng.integers(0, 2, 8).astype("uint8"),
                },
                w.settings.folder("students", pid) / f"{config.run_id}.safetensors",
            )
            runs.put_runs(w.db, pid, [RunResult(config, {}, {"n": 8.0, "accuracy": 0.5, "agreement": 0.5}, 0.1)])
            ids.append(config.run_id)
    w.project(pid).results.write_report(ids, [], [4])
    return tmp_path / "home", pid


def test_a_click_on_a_bar_opens_its_text_in_curate(finished):
    from playwright.sync_api import sync_playwright

    home, pid = finished
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    app = subprocess.Popen(
        [sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless", "true", "--server.port", str(port)],
        cwd=ROOT,
        env={**os.environ, "COD_HOME": str(home)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(240):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=1)
                break
            except OSError:
                time.sleep(0.5)
        with sync_playwright() as play:
            browser = play.chromium.launch(
                executable_path=shutil.which("chromium") or "/usr/bin/chromium",
                args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
            )
            page = browser.new_page(viewport={"width": 1400, "height": 1200})
            page.set_default_timeout(90_000)
            page.goto(f"http://127.0.0.1:{port}/results?project={pid}")
            page.locator("#result-sentence").wait_for()
            studio.click(page.get_by_text("Worth of each", exact=True))
            bar = page.locator(".js-plotly-plot .bars .point path").first
            bar.wait_for()
            page.wait_for_timeout(1500)
            box = bar.bounding_box()
            page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
            page.wait_for_timeout(500)
            page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
            page.wait_for_url(re.compile(r"/curate\?.*item=e\d"))
            browser.close()
    finally:
        app.terminate()
        app.wait(20)
