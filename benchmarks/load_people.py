"""People at the Curate page in real Chromium, each in a context of their own: they read, press, type, and wait for the next card.

All of them act at once, from one asyncio loop. What a person waits for is measured inside the page, from the key's own event to the
moment that the next card and its proposal are drawn. Knows neither servers nor stores.
"""

import asyncio
import contextlib
import random
import shutil
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from playwright.async_api import Browser, Page, async_playwright

CHROMIUM = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
GIVE_UP_S = 20.0  # without a next card: the press counts as unanswered, and is made again
TRIES = 3  # presses on a card, the last one to leave it
HAND_S = 0.3  # sooner than this after a card came, the page takes no press
EVERY_EDIT, EVERY_REJECT = 5, 7  # of the cards
WORDS = {"positive": "A delightful, moving triumph, up to reel{n}", "negative": "A horrible, boring mess, up to reel{n}"}

WATCH = """() => {
    const at = () => document.querySelector('.cod-editor')?.cod?.item?.split('/')[0] || '';
    const original = () => document.querySelector('[data-cod-original]')?.textContent || '';
    const aimed = () => [...document.querySelectorAll('.cod-text ins')].map(e => e.textContent).join(' ');
    const load = window.load = { at, original, pressed: 0, took: null, wanted: '' };
    const look = () => {
        if (load.took !== null || !load.pressed) return;
        const there = load.wanted
            ? aimed().includes(load.wanted) && document.querySelector('.cod-verdict')
            : at() && at() !== load.was && original() && original() !== load.read;
        if (!there) return;
        load.took = performance.now() - load.pressed;
        seen.disconnect();
        load.come?.(load.took);
    };
    const seen = new MutationObserver(look);  // a page that asked the clock again and again would be work of ours
    load.wait = wanted => {
        Object.assign(load, { wanted, took: null, pressed: 0, was: at(), read: original() });
        seen.observe(document.body, { childList: true, subtree: true, characterData: true });
    };
    load.done = most => load.took !== null ? load.took : Promise.race([
        new Promise(come => load.come = come), new Promise(late => setTimeout(() => late(null), most))]);
    window.addEventListener('keydown', () => { load.pressed = performance.now(); }, true);
}"""


@dataclass
class Person:
    """name: under which they decide. tab: their page. decided: (text, status) of every decision that was answered with the next card.

    cards, verdicts: seconds from the press to the next card, and from the last key to the verdict. unanswered: presses without a next
    card."""

    name: str
    tab: Page
    decided: list[tuple[str, str]] = field(default_factory=list)
    cards: list[float] = field(default_factory=list)
    verdicts: list[float] = field(default_factory=list)
    unanswered: int = 0


@contextlib.asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """One headless browser."""
    async with async_playwright() as play:
        browser = await play.chromium.launch(executable_path=shutil.which("chromium"), args=CHROMIUM)
        yield browser
        await browser.close()


async def open_card(browser: Browser, address: str, pid: str, name: str) -> Person:
    """A person with their first card on the screen, in a window with cookies of its own."""
    context = await browser.new_context(viewport={"width": 1400, "height": 1000})
    tab = await context.new_page()
    tab.set_default_timeout(120_000)
    await tab.goto(f"{address}/curate?project={pid}&by={name}")
    await tab.locator(".cod-editor textarea").wait_for()
    await tab.evaluate(WATCH)
    await tab.wait_for_function("load.at() && load.original()")
    return Person(name, tab)


async def work(person: Person, cards: int, think_s: float, targets: dict[str, str], rng: random.Random, most_s: float = 3600) -> None:
    """Decide on so many cards, or for most_s seconds. think_s: mean seconds from a card to the press. targets: text -> label that its
    proposal aims at."""
    until = time.monotonic() + most_s
    await asyncio.sleep(rng.uniform(0, think_s))
    for n in range(1, cards + 1):
        if time.monotonic() > until:
            return
        await asyncio.sleep(HAND_S + think_s * rng.uniform(0.5, 1.5))
        await _one(person, n, targets)


async def _one(person: Person, n: int, targets: dict[str, str]) -> None:
    tab = person.tab
    text = await tab.evaluate("load.at()")
    if n % EVERY_EDIT == 0:
        status, key = "edited", "Control+Enter"
        if not await _edited(person, WORDS[targets[text]].format(n=n)):
            await tab.keyboard.press("Escape")
            status, key = "skipped", "s"
    elif n % EVERY_REJECT == 0:
        await tab.keyboard.press("x")
        await tab.locator("[class*='st-key-reason-']").first.wait_for()
        status, key = "rejected", "1"
    else:
        status, key = "accepted", "a"
    took = None
    for tries in range(1, TRIES + 1):
        if tries == TRIES:  # the app asks something of what was written: a person leaves the card
            await tab.keyboard.press("Escape")
            status, key = "skipped", "s"
        await tab.evaluate("load.wait('')")
        begun = time.monotonic()
        await tab.keyboard.press(key)
        took = await _took(tab)
        if took is not None:
            break
        person.unanswered += 1
        if await tab.evaluate("load.at()") != text:
            took = time.monotonic() - begun
            break
    if took is None:
        return
    person.cards.append(took)
    person.decided.append((text, status))


async def _edited(person: Person, words: str) -> bool:
    """Put these words into the box and wait for the verdict on them; whether they flip."""
    tab = person.tab
    await tab.keyboard.press("e")
    await tab.locator(".cod-editor textarea").select_text()
    await tab.evaluate("wanted => load.wait(wanted)", words.split()[-1])
    await tab.keyboard.type(words, delay=40)
    took = await _took(tab)
    if took is not None:
        person.verdicts.append(took)
    return await tab.locator(".cod-verdict", has_text="It flips").count() > 0


async def _took(tab: Page) -> float | None:
    """Seconds that the page waited for what it was told to look for, None where that did not come."""
    taken: Any = await tab.evaluate(f"load.done({GIVE_UP_S * 1000})")
    return None if taken is None else float(taken) / 1000
