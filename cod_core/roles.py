"""Who may do what. Pure names: the screen asks here before any database is open."""

from cod_core.errors import CodError

ALLOWED = {
    "curate": ("curator", "reviewer", "owner"),
    "adjudicate": ("reviewer", "owner"),
    "bulk": ("reviewer", "owner"),
    "guideline": ("reviewer", "owner"),
    "endpoint": ("owner",),
    "people": ("owner",),
    "delete": ("owner",),
    "leave": ("owner",),
}
"""What a person does -> who may. endpoint: set an endpoint, a key or a model folder. leave: send data to a hub."""


def may(role: str, act: str) -> bool:
    """Whether a role allows an act (a key of ALLOWED)."""
    return role in ALLOWED[act]


def need(role: str, act: str) -> None:
    """Raises CodError in plain words where the role does not allow the act."""
    if not may(role, act):
        raise CodError(f"This needs the role {' or '.join(ALLOWED[act])}; yours is {role}. Ask an owner.")
