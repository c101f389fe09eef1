"""alembic's entry point: runs migrations on the connection that cod_core.store.database hands over."""

from alembic import context

from cod_core.store.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
