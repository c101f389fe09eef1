"""How far an edited prompt moves the answer of a generating teacher stands with its verdict."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("flip_checks", sa.Column("shift", sa.Float()))


def downgrade() -> None:
    raise NotImplementedError("Going back would lose decisions: put back a copy of the database instead.")
