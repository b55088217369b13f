"""Orders of what a symbol has become rest on the signal that opened the holding."""

from pathlib import Path

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

SQL = Path(__file__).parents[1] / "sql" / "0010"


def upgrade() -> None:
    _run(SQL / "up.sql")


def downgrade() -> None:
    _run(SQL / "down.sql")


def _run(script: Path) -> None:
    # Without parameters the driver sends the script as it is: several statements, and % is only a sign.
    op.get_bind().exec_driver_sql(script.read_text(encoding="utf-8"), execution_options={"no_parameters": True})
