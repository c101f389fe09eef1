"""`next`: what stands between a project and a comparison, and the command that does it."""

from dataclasses import asdict

from cod_core.commands.shell import AsJson, Home, app, open_workspace, say


@app.command("next")
def next_(project: str, as_json: AsJson = False, home: Home = None) -> None:
    """Say what can be done now in a project, the most important first: label by label, with the command that does it."""
    room = open_workspace(home, project).project(project).next
    found, now = room.steps(), room.standing()
    lines = [f"{step.sentence}\n    {step.command(project)}".rstrip() for step in found]
    steps = [asdict(step) | {"command": step.command(project)} for step in found]
    say({"steps": steps, "standing": asdict(now)}, as_json, "\n".join(lines))
