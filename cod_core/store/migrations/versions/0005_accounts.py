"""A person on the list belongs to one account, may be removed for good, and signs out; a job knows who started it."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    for name, kind in (("issuer", sa.String()), ("subject", sa.String()), ("removed_at", sa.String()), ("not_before", sa.Float())):
        op.add_column("people", sa.Column(name, kind))
    op.add_column("jobs", sa.Column("actor", sa.JSON()))


def downgrade() -> None:
    raise NotImplementedError("Going back would lose decisions: put back a copy of the database instead.")
