"""The whole ledger, from ingestions to form lines, as the SQL files beside this one write it."""

from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SQL = Path(__file__).parents[1] / "sql" / "0001"


def upgrade() -> None:
    for script in sorted(SQL.glob("[0-9]_*.sql")):
        _run(script)


def downgrade() -> None:
    _run(SQL / "down.sql")


def _run(script: Path) -> None:
    # Without parameters the driver sends the script as it is: several statements, and % is only a sign.
    op.get_bind().exec_driver_sql(script.read_text(encoding="utf-8"), execution_options={"no_parameters": True})
