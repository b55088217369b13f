"""The steps of an order are found by the order, and the orders in a status by account and status."""

from pathlib import Path

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

SQL = Path(__file__).parents[1] / "sql" / "0011"


def upgrade() -> None:
    _run(SQL / "up.sql")


def downgrade() -> None:
    _run(SQL / "down.sql")


def _run(script: Path) -> None:
    # Without parameters the driver sends the script as it is: several statements, and % is only a sign.
    op.get_bind().exec_driver_sql(script.read_text(encoding="utf-8"), execution_options={"no_parameters": True})
