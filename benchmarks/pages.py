"""How long a person waits: page changes with and without a job at work, and the verdict after the last key.

    python -m benchmarks.pages [--home FOLDER] [--project ID]

The data folder must hold a project with proposals. On a busy machine trust the ratios: the same clicks on the same pages,
one after the other, idle and beside a job.
"""

import argparse
import json
import statistics
import time

from playwright.sync_api import sync_playwright

from benchmarks.screenshots import serve
from cod_core.distill.settings import SweepPlan
from cod_core.workspace import Workspace

STEPS = ("Data", "Proposals", "Curate", "Distil", "Export")
WORDS = ("splendid", "horrible", "delightful", "dull", "moving", "boring")


def changes(tab, rounds: int) -> list[float]:
    """Seconds from the click on a step to its heading, over every step."""
    seconds = []
    for _ in range(rounds):
        for step in STEPS:
            link = tab.locator("[data-testid=stSidebar] a", has_text=step).first
            start = time.perf_counter()
            link.click()
            tab.locator("h1", has_text=step).wait_for()
            seconds.append(time.perf_counter() - start)
            tab.wait_for_timeout(400)
    return seconds


def verdicts(tab) -> list[float]:
    """Seconds from the last key to a verdict on exactly the text that was typed."""
    box, seconds = tab.locator(".cod-editor textarea"), []
    for number, word in enumerate(WORDS):
        box.select_text()
        tab.keyboard.type(f"A {word} film, all in all.", delay=15)
        start = time.perf_counter()
        tab.locator(".cod-text ins", has_text=word).first.wait_for()
        tab.locator(".cod-verdict").wait_for()
        if number:  # the first one may load the teacher
            seconds.append(time.perf_counter() - start)
        tab.wait_for_timeout(500)
    return seconds


def told(seconds: list[float]) -> dict:
    return {"median": round(statistics.median(seconds), 3), "most": round(max(seconds), 3), "n": len(seconds)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--home")
    parser.add_argument("--project")
    parser.add_argument("--rounds", type=int, default=4)
    chosen = parser.parse_args()
    w = Workspace(chosen.home)
    pid = chosen.project or w.projects()[0].id
    process, address = serve(str(w.settings.home))
    try:
        with sync_playwright() as play:
            browser = play.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"])
            tab = browser.new_page(viewport={"width": 1400, "height": 1000})
            tab.set_default_timeout(60_000)
            tab.goto(f"{address}/curate?project={pid}&show=all")
            tab.locator(".cod-editor textarea").wait_for()
            live = verdicts(tab)
            w.project(pid).curation.drop_draft(tab.evaluate("new URLSearchParams(location.search).get('item')"), "me")
            idle = changes(tab, chosen.rounds)
            job = w.project(pid).jobs.start("distill", SweepPlan(shots=(8,), seeds=40, first_seed=int(time.time())))
            busy = changes(tab, chosen.rounds)
            working = w.project(pid).jobs.newest().state
            w.project(pid).jobs.cancel(job)
            browser.close()
    finally:
        process.terminate()
    print(
        json.dumps(
            {
                "verdict after the last key": told(live),
                "page change": told(idle),
                "page change beside a job": told(busy) | {"job at the end": working},
                "ratio": round(statistics.median(busy) / statistics.median(idle), 2),
            },
            indent=1,
        )
    )


if __name__ == "__main__":
    main()
