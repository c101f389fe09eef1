"""Pictures of every page, light and dark, wide and narrow, from a real project.

    python -m benchmarks.screenshots [--home FOLDER] [--project ID] [--out docs/screenshots]

Starts the app on a free port, opens each page in Chromium, waits until it stands still. The data folder must hold a
project that has results (run `python -m cod_core demo` first).
"""

import argparse
import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from playwright.sync_api import sync_playwright

from cod_core.workspace import Workspace

ROOT = Path(__file__).parents[1]
PAGES = ("", "data", "teacher", "proposals", "curate", "review", "distill", "results", "compare", "moons", "export", "settings")
SIZES = {"": (1400, 900), "-narrow": (900, 700)}


def serve(home: str) -> tuple[subprocess.Popen, str]:
    """The app as a process of its own, and its address once it answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless", "true", "--server.port", str(port)],
        cwd=ROOT,
        env={**os.environ, "COD_HOME": home},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    for _ in range(120):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=1)
            return process, f"http://127.0.0.1:{port}"
        except OSError:
            time.sleep(0.5)
    raise SystemExit("the app did not start")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--home")
    parser.add_argument("--project")
    parser.add_argument("--out", default=str(ROOT / "docs" / "screenshots"))
    parser.add_argument("--sizes", default="wide,narrow")
    parser.add_argument("--pages", default=",".join(PAGES), help="names from the address; empty for Start")
    chosen = parser.parse_args()
    w = Workspace(chosen.home)
    project, out = chosen.project or w.projects()[0].id, Path(chosen.out)
    out.mkdir(parents=True, exist_ok=True)
    process, address = serve(str(w.settings.home))
    try:
        with sync_playwright() as play:
            browser = play.chromium.launch(
                executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
            )
            for theme in ("light", "dark"):
                for suffix, (width, height) in SIZES.items():
                    if ("narrow" if suffix else "wide") not in chosen.sizes.split(","):
                        continue
                    tab = browser.new_page(viewport={"width": width, "height": height}, color_scheme=theme)
                    for page in chosen.pages.split(","):
                        tab.goto(f"{address}/{page}?project={project}")
                        tab.wait_for_selector("h1, h2", timeout=60_000)
                        tab.wait_for_function(
                            "!document.querySelector('[data-testid=stStatusWidget]') && !document.querySelector('[data-testid=stSpinner]')",
                            timeout=120_000,
                        )
                        tab.wait_for_timeout(4000 if page == "results" else 1500)
                        tab.screenshot(path=out / f"{page or 'start'}-{theme}{suffix}.png")
                    tab.close()
            browser.close()
    finally:
        process.terminate()


if __name__ == "__main__":
    main()
