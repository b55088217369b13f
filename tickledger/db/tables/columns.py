"""The columns and constraints that tables of the ledger share.

Numbers are NUMERIC without a scale: a scale would round in silence what the domain has already rounded, or
must not round at all (a third of a share). PostgreSQL's NUMERIC also holds NaN and infinities, which compare
as larger than every number, so each table says `finite` of its numbers.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import (
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    Numeric,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import TIMESTAMP

METADATA: Final = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(referred_table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)

INSTANT: Final = TIMESTAMP(timezone=True)
NUMBER: Final = Numeric()


def identifier(name: str) -> Column[str]:
    """The text primary key `name`: an id that is a function of what it identifies."""
    return Column(name, Text, primary_key=True)


def words(name: str, *, nullable: bool = False) -> Column[str]:
    """A text column."""
    return Column(name, Text, nullable=nullable)


def number(name: str, *, nullable: bool = False) -> Column[Any]:
    """An exact decimal column, of any scale."""
    return Column(name, NUMBER, nullable=nullable)


def day(name: str, *, nullable: bool = False) -> Column[Any]:
    """An exchange-local civil date."""
    return Column(name, Date, nullable=nullable)


def instant(name: str, *, nullable: bool = False) -> Column[Any]:
    """An aware instant, kept in UTC."""
    return Column(name, INSTANT, nullable=nullable)


def refers(name: str, target: str, *, nullable: bool = False) -> Column[str]:
    """A text column that refers to the row `target` (``table.column``)."""
    return Column(name, Text, ForeignKey(target), nullable=nullable)


def symbol(name: str = "symbol_id", *, nullable: bool = False) -> Column[int]:
    """The instrument a row is about."""
    return Column(name, Integer, ForeignKey("symbols.symbol_id"), nullable=nullable)


def recorded() -> Column[Any]:
    """When the ledger learned of the row."""
    return Column("recorded_at", INSTANT, nullable=False, server_default=text("clock_timestamp()"))


def superseded() -> Column[Any]:
    """When a newer row took this one's place; the only column that is ever updated."""
    return Column("superseded_at", INSTANT)


def account() -> tuple[Column[str], Column[str], ForeignKeyConstraint]:
    """The account a row belongs to, with its mode, which the database keeps in step with the account's."""
    return (
        words("account_id"),
        words("mode"),
        ForeignKeyConstraint(["account_id", "mode"], ["accounts.account_id", "accounts.mode"]),
    )


def bar(*, nullable: bool = False) -> tuple[Column[Any] | ForeignKeyConstraint | CheckConstraint, ...]:
    """The bar of the same symbol that a row rests on; where it may be absent, it is so as a whole."""
    names = ("bar_interval", "bar_at", "bar_version")
    columns: tuple[Column[Any], ...] = (
        words(names[0], nullable=nullable),
        instant(names[1], nullable=nullable),
        Column(names[2], Integer, nullable=nullable),
    )
    key = ForeignKeyConstraint(
        ["symbol_id", *names], [f"market_data.{name}" for name in ("symbol_id", "interval", "bar_at", "version")]
    )
    whole = CheckConstraint(f"num_nonnulls({', '.join(names)}) IN (0, 3)", name="bar_is_whole")
    return (*columns, key, whole) if nullable else (*columns, key)


def same(columns: tuple[str, ...], table: str) -> ForeignKeyConstraint:
    """The row of `table` that a row refers to, which has the same values in all of `columns`."""
    return ForeignKeyConstraint(columns, [f"{table}.{column}" for column in columns])


def only_current(*columns: str) -> Index:
    """At any time one row at most is in force for the same values of `columns`."""
    return Index(None, *columns, unique=True, postgresql_where="superseded_at IS NULL")


def one_of(column: str, allowed: type[StrEnum] | Iterable[str]) -> CheckConstraint:
    """`column` holds one of the values that the domain knows."""
    values = ", ".join(f"'{value}'" for value in allowed)
    return CheckConstraint(f"{column} IN ({values})", name=f"{column}_is_known")


def positive(*columns: str) -> CheckConstraint:
    """Each of `columns` is above zero and finite, where it is there at all."""
    return _all(columns, "{} > 0 AND {} < 'Infinity'", "positive")


def not_negative(*columns: str) -> CheckConstraint:
    """Each of `columns` is zero or more and finite, where it is there at all."""
    return _all(columns, "{} >= 0 AND {} < 'Infinity'", "not_negative")


def finite(*columns: str) -> CheckConstraint:
    """Each of `columns` is a number: neither NaN nor infinite."""
    return _all(columns, "{} > '-Infinity' AND {} < 'Infinity'", "finite")


def _all(columns: Iterable[str], condition: str, name: str) -> CheckConstraint:
    return CheckConstraint(" AND ".join(condition.format(column, column) for column in columns), name=name)
