"""Runs the revisions on the connection that `tickledger.db.migrate` passes in."""

from alembic import context

from tickledger.db.migrate import is_ours
from tickledger.db.tables import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    include_object=is_ours,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
