"""`curate`: read what was proposed and decide, without a browser."""

import getpass
from typing import Annotated, Any

import typer

from cod_core.commands.shell import AsJson, Home, app, note_waiting, open_workspace, progress_line, say
from cod_core.errors import BadInput
from cod_core.project.project import Project
from cod_core.types import REJECT_REASONS, FlipCheck

STATUS = {"accept": "accepted", "reject": "rejected", "skip": "skipped", "flag": "needs_review"}


@app.command()
def curate(
    project: str,
    accept: Annotated[str, typer.Option(help="Id of the counterfactual to accept.")] = "",
    reject: Annotated[str, typer.Option(help="Id of the counterfactual to reject.")] = "",
    skip: Annotated[str, typer.Option(help="Id of the counterfactual to decide later.")] = "",
    flag: Annotated[str, typer.Option(help="Id of the counterfactual that needs a second opinion.")] = "",
    edit: Annotated[str, typer.Option(help="Id of the text whose counterfactual you write yourself, with --to.")] = "",
    to: Annotated[str, typer.Option(help="Your own wording, for --edit.")] = "",
    dry: Annotated[bool, typer.Option("--dry", help="With --edit: show the teacher's verdict, keep nothing.")] = False,
    reason: Annotated[str, typer.Option(help=f"Why rejected: {', '.join(REJECT_REASONS)}.")] = "",
    override: Annotated[str, typer.Option(help="Why to keep a text that does not flip the teacher.")] = "",
    undo: Annotated[bool, typer.Option("--undo", help="Take back your last decision.")] = False,
    check_again: Annotated[bool, typer.Option("--check-again", help="Let the present teacher judge what another one judged.")] = False,
    sort: Annotated[str, typer.Option(help="upload, boundary, edit or similar.")] = "upload",
    every: Annotated[bool, typer.Option("--all", help="List decided texts too.")] = False,
    annotator: Annotated[str, typer.Option(help="Your name; the system's user name where not given.")] = "",
    as_json: AsJson = False,
    home: Home = None,
) -> None:
    """List the proposals with the teacher's verdicts, or decide on one; every decision is saved at once."""
    opened, annotator = open_workspace(home, project).project(project), annotator or _user_name()
    asked = [(status, cf_id) for status, cf_id in (("accept", accept), ("reject", reject), ("skip", skip), ("flag", flag)) if cf_id]
    if len(asked) + bool(edit) + undo + check_again > 1:
        raise typer.BadParameter("one decision at a time: --accept, --reject, --skip, --flag, --edit, --undo or --check-again")
    if asked:
        ((verb, cf_id),) = asked
        decision = opened.curation.decide(cf_id, STATUS[verb], annotator, (reason,) if reason else (), override or None)
        return say(
            {"counterfactual": cf_id, "text": decision.example_id, "status": decision.status}, as_json, f"{cf_id}: {decision.status}."
        )
    if edit:
        return _write(opened, edit, to, dry, override, annotator, as_json)
    if check_again:
        checked = opened.pairs.recheck(progress_line(as_json))
        return say({"checked": checked}, as_json, f"{checked} proposals were judged by the present teacher.")
    if undo:
        taken = opened.curation.undo(annotator)
        return say(
            {"undone": taken.counterfactual_id if taken else None},
            as_json,
            f"Taken back: {taken.counterfactual_id}." if taken else "There is nothing to take back.",
        )
    note_waiting(opened)
    _list(opened, sort, every, annotator, as_json)


def _user_name() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError) as error:  # a container may run as a number without a name
        raise BadInput("The system does not know your user name. Say who decides with --annotator NAME.") from error


def _write(project: Project, example_id: str, text: str, dry: bool, override: str, annotator: str, as_json: bool) -> None:
    if not text:
        raise BadInput("Give your wording with --to.")
    cf_id: str | None = None
    check: FlipCheck | None
    if dry:
        check = project.curation.verdict(example_id, text)
    else:
        cf, check, _ = project.curation.edit_and_accept(example_id, None, text, annotator, override or None)
        cf_id = cf.id
    say({"counterfactual": cf_id, **_verdict(check)}, as_json, f"{cf_id or 'not kept'}: {_words(check)}")


def _list(project: Project, sort: str, every: bool, annotator: str, as_json: bool) -> None:
    rows: list[dict[str, Any]] = []
    for card in project.cards.all(sort, annotator):
        if every or card.decision is None:
            offers = [(card.offered, card.check), *card.alternatives]
            rows.append(
                {
                    "text_id": card.example.id,
                    "label": card.example.label,
                    "text": card.example.text,
                    "status": card.decision.status if card.decision else "pending",
                    "proposals": [
                        {"id": cf.id, "text": cf.text, "from": cf.source, "to": cf.target, "generator": cf.origin.kind, **_verdict(check)}
                        for cf, check in offers
                    ],
                }
            )
    lines = []
    for row in rows:
        lines.append(f"{row['text_id']}  [{row['label']}]  {row['status']}\n  {row['text']}")
        lines += [
            f"    {p['id']}  {'flips' if p['flipped'] else 'does not flip' if p['flipped'] is False else 'not checked'}  {p['text']}"
            for p in row["proposals"]
        ]
    say(rows, as_json, "\n".join(lines) or "Nothing to decide. Propose first: python -m cod_core generate PROJECT")


def _verdict(check: FlipCheck | None) -> dict[str, Any]:
    if check is None:
        return {"flipped": None}
    return {
        "flipped": check.flipped,
        "reached_target": check.reached_target,
        "p_target": check.after.prob(check.target),
        "margin": check.after.margin_of(check.target),
        "edit_fraction": check.edit_fraction,
    }


def _words(check: FlipCheck | None) -> str:
    if check is None:
        return "no teacher has judged it yet."
    if not check.flipped:
        return f"the teacher still says {check.before.label}."
    return f"the teacher now says {check.after.label}, {max(check.after.probs):.0%} sure; {check.token_edits} words changed."
