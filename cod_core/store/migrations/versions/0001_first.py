"""The first schema. Later changes are migrations of their own; this one is never edited once released."""

from alembic import op

from cod_core.store.schema import metadata

revision = "0001"
down_revision = None


def upgrade() -> None:
    metadata.create_all(op.get_bind())


def downgrade() -> None:
    metadata.drop_all(op.get_bind())
