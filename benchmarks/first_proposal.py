"""From the press on "Propose changes" to the first proposal on the screen, in real Chromium on a fresh data folder. `benchmarks.load
--parts first` runs it.

movies: the sample as it is made by one press. own: 2,000 labelled sentences of SST-2 (COD_DATA) from a CSV file, with the built-in
teacher of products. Each time a new server and a new browser; the press is made a second after the page stands still, or ("movies, read")
ten seconds after.
"""

import csv
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks import tasks
from tests.e2e import studio

ROWS = 2_000
TEACHER = "Product reviews: negative, positive"


def sample(tab: Any, folder: Path) -> None:
    """The Proposals page of the movies sample."""
    studio.click(tab.get_by_role("button", name="Try the sample project"))


def own(tab: Any, folder: Path) -> None:
    """The Proposals page of a project from a file, with a teacher chosen."""
    rows = [e for e in tasks.read("sst2") if e.split == "train"][:ROWS]
    with open(folder / "sentences.csv", "w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("text", "label"), *((e.text, e.label) for e in rows)])
    tab.locator("input[type=file]").first.set_input_files(str(folder / "sentences.csv"))
    studio.click(tab.get_by_role("button", name="Create the project"))
    tab.get_by_role("combobox", name="Which texts are most like yours?").click()
    tab.get_by_role("option", name=TEACHER).click()
    studio.click(tab.get_by_role("button", name="Use this teacher"))
    studio.click(tab.get_by_role("button", name="Go on to Proposals"), 180)


WAYS = {"movies": sample, "movies, read": sample, "own": own}
READS_MS = {"movies, read": 10_000}  # before the press; 1 s elsewhere


def once(way: str) -> dict[str, Any]:
    """One press. shown: seconds to the first proposal on the page. card: seconds to its card on Curate, where the way there is taken at
    once. progress: what the page said of the run then."""
    with tempfile.TemporaryDirectory() as made, studio.chromium() as browser:
        app = studio.App(Path(made) / "home").start()
        try:
            tab = browser.new_page(viewport={"width": 1400, "height": 1000})
            tab.set_default_timeout(180_000)
            tab.goto(app.url)
            WAYS[way](tab, Path(made))
            button = tab.get_by_role("button", name="Propose changes for").first
            button.wait_for()
            studio.settle(tab)
            tab.wait_for_timeout(READS_MS.get(way, 1000))
            begun = time.monotonic()
            button.click()
            tab.locator("[data-testid=stMain] .cod-text ins, [data-testid=stMain] .cod-text del").first.wait_for()
            shown = time.monotonic() - begun
            said = tab.locator("[data-testid=stProgress]").first.inner_text()
            tab.get_by_role("button", name="Curate those that are ready").click()
            tab.locator(".cod-editor textarea").wait_for()
            tab.locator("[data-cod-original]").wait_for()
            card = time.monotonic() - begun
            return {"way": way, "shown": round(shown, 2), "card": round(card, 2), "progress": said.strip(), "bugs": len(app.bugs())}
        finally:
            app.stop()
