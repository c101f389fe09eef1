"""Text messages whose class lies in numbers, prices, codes and links: how many flip, and how long the rest takes.

    python -m benchmarks.messages [--texts 48] [--home FOLDER] [--name now]

480 messages, wanted and unwanted, written for this file from patterns of our own (no message of a real person): phone
numbers, prices, codes, links, entities and placeholders as such collections have them. A teacher is fine-tuned on 320 of them; then
the search proposes for --texts of these, in turn by label. Result under --name in benchmarks/results/messages.json.
"""

import argparse
import json
import random
import time
from pathlib import Path

from cod_core.counterfactuals.options import SearchOptions
from cod_core.counterfactuals.pieces import GUARDED, pieces_of
from cod_core.data.draws import order_rows
from cod_core.models.choice import FinetuneOptions
from cod_core.store import items
from cod_core.text import short_hash
from cod_core.types import Example, Task
from cod_core.workspace import Workspace

RESULT = Path(__file__).parent / "results" / "messages.json"
LABELS = ("wanted", "unwanted")
TASK = Task("Is this text message wanted?", LABELS)
_WHO = ("mum", "dad", "Anna", "Tom", "Priya", "Lars", "the neighbour", "your sister", "Uncle Jo", "Maria")
_PLACE = ("the station", "work", "the library", "Nana's", "the shop", "school", "the pub", "home")
_THING = ("your keys", "the milk", "my charger", "the tickets", "that book", "the cake", "dinner", "the form")
_PRIZE = ("cash", "voucher", "holiday", "camcorder", "gift card", "shopping spree", "phone")
_WANTED = (
    "Are you still coming to {place} at {time}?",
    "Sorry, I'll call you later, in a meeting &lt;#&gt; with {who}.",
    "Can you pick up {thing} on the way from {place}? Thanks :)",
    "I left {thing} at {place}. {who} says it is fine.",
    "Running late, be there in {small} minutes. Start without me.",
    "@user did you tell {who} about the exam? I got {small} right &amp; was so happy",
    "Happy birthday! Hope you and {who} have a lovely day xx",
    "We are at {place} now. {who} wants to know if you need {thing}.",
    "Ok, no worries. I will ask {who} tomorrow.",
    "Had {small} coffees today and I am still tired. How was {place}?",
    "Do you want to watch a film tonight or stay in?",
    "{who} lost {thing} again. Third time this week!",
    "Just got off the bus, see you at {place} in {small} min",
    "I owe you £{small} for lunch, remind me when we meet at {place}.",
    "Mum asked if [NAME] is bringing {thing}. Let me know when you can.",
    "How did the interview go? {who} and I are thinking of you.",
)
_UNWANTED = (
    "WINNER! You have been chosen for a £{big} {prize}. Call {phone} now. Claim code {code}.",
    "Free entry in our weekly draw. Text {word} to {short} to win a {prize}. {fee} per msg.",
    "URGENT! Your number was drawn for a £{big} {prize}. Call {phone} from a landline. Valid {small} hours only.",
    "Dear customer, your account is on hold. Confirm your details at {link} today &amp; avoid a fee.",
    "Congratulations @user! Collect your {prize} worth £{big} at {link} before {date}.",
    "Last chance to claim the {prize}. Reply {word} to {short}. To stop text STOP to {short}.",
    "New loan approved: up to £{big}, no checks. Apply at {link} or call {phone}.",
    "You have 1 new voicemail. Please call {phone}. {fee} per min.",
    "Hot singles near you want to chat. Text {word} to {short}, {fee} a message, 18+ only.",
    "We tried to deliver your parcel {code}. Pay £{small}.99 at {link} to book a new date.",
    "Get {percent}% off all phones this week only! Order on {phone} and quote {code}.",
    "Your mobile was awarded {big} bonus points. To claim call {phone}. Box {short}.",
    "Hello [NAME], your tax refund of £{big} is ready: {link}",
    "Half price line rental for {small} months. Call {phone} or reply {word}.",
)


def messages(seed: int = 11) -> list[Example]:
    """320 training, 80 validation and 80 test messages, as many of each label in all of them."""
    rng = random.Random(seed)
    rows: list[Example] = []
    for label, patterns in zip(LABELS, (_WANTED, _UNWANTED)):
        found: dict[str, None] = {}
        while len(found) < 240:
            found[_filled(rng.choice(patterns), rng)] = None
        for i, text in enumerate(found):
            rows.append(Example(short_hash(text), text, label, "train" if i < 160 else "validation" if i < 200 else "test"))
    return rows


def _filled(pattern: str, rng: random.Random) -> str:
    letters = "".join(rng.choice("ABCDEFGHKLMNPRSTW") for _ in range(5))
    return pattern.format(
        who=rng.choice(_WHO),
        place=rng.choice(_PLACE),
        thing=rng.choice(_THING),
        prize=rng.choice(_PRIZE),
        word=rng.choice(("WIN", "GO", "PLAY", "CHAT", "YES", letters[:3])),
        time=rng.choice((f"{rng.randint(1, 11)}:{rng.choice(('00', '15', '30'))}", f"{rng.randint(1, 11)}pm")),
        small=rng.randint(2, 20),
        big=rng.choice((100, 250, 500, 800, 1000, 1500, 2000, 5000)),
        phone=f"09{rng.randint(10**8, 10**9 - 1)}" if rng.random() < 0.7 else f"08{rng.randint(10**8, 10**9 - 1)}",
        short=rng.randint(60000, 89999),
        code=f"{letters[:2]}{rng.randint(10, 999)}",
        fee=rng.choice(("150p", "£1.50", "£3", "50p")),
        percent=rng.choice((20, 30, 50, 70)),
        date=f"{rng.randint(1, 28):02d}/{rng.randint(1, 12):02d}/2025",
        link=rng.choice(
            (f"www.{letters.lower()}-prizes.co.uk", f"http://{letters.lower()}.info/{rng.randint(10, 99)}", f"{letters.lower()}deals.com")
        ),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--texts", type=int, default=48)
    parser.add_argument("--home")
    parser.add_argument("--name", default="now")
    chosen = parser.parse_args()
    w = Workspace(chosen.home)
    pid = next((p.id for p in w.projects() if p.name == "Messages"), None)
    if pid is None:
        pid = w.create_project("Messages", TASK)
        items.add_examples(w.db, pid, messages())
    project = w.project(pid)
    if project.row.teacher is None:
        print("teacher:", project.training.finetune(FinetuneOptions()).to_json(), flush=True)
    known = {e.id: e for e in items.examples(w.db, pid, split="train")}
    rows = [known[i] for i in order_rows(list(known.values()), LABELS, 0)][: chosen.texts]
    propose, teacher = project.searcher.proposer(SearchOptions()), project.teacher.classifier()
    propose(rows[0], 4)  # models and word lists load here
    records = []
    for example in rows:
        clock, cpu = time.perf_counter(), time.process_time()
        found = propose(example, 4)
        torn = [cf for cf in found if not _whole(example.text, cf.text)]
        records.append(
            {
                "text": example.text,
                "said": teacher.predict([example.text])[0].label,
                "offer": found[0].text if found else "",
                "note": found[0].note if found else "",
                "torn": len(torn),
                "seconds": round(time.perf_counter() - clock, 2),
                "cpu": round(time.process_time() - cpu, 2),
                "scored": propose.generator().texts_scored,
            }
        )
        print(json.dumps(records[-1], ensure_ascii=False), flush=True)
    flips, rest = [r for r in records if r["offer"]], [r for r in records if not r["offer"]]
    summary = {
        "texts": len(records),
        "flips": len(flips),
        "flips_by_label": {label: sum(r["said"] == label for r in flips) for label in LABELS},
        "torn_pieces": sum(r["torn"] for r in records),
        "cpu_seconds_a_flip": round(sum(r["cpu"] for r in flips) / max(1, len(flips)), 2),
        "cpu_seconds_a_text_without": round(sum(r["cpu"] for r in rest) / max(1, len(rest)), 2),
        "scored_a_flip": round(sum(r["scored"] for r in flips) / max(1, len(flips))),
        "scored_a_text_without": round(sum(r["scored"] for r in rest) / max(1, len(rest))),
    }
    results = json.loads(RESULT.read_text()) if RESULT.exists() else {}
    results[chosen.name] = {"summary": summary, "records": records}
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")
    print(json.dumps(summary, indent=1))


def _whole(before: str, after: str) -> bool:
    """Whether every entity, placeholder and tag of the original stands in the changed text, and no new one came."""
    one, two = (sorted(piece.text for piece in pieces_of(text) if piece.kind == GUARDED) for text in (before, after))
    return one == two


if __name__ == "__main__":
    main()
