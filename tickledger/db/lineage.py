"""Where a row came from: the chain from a form line, or any other row, back to the ingestions.

The rows are fetched level by level, one query for each kind on a level, whatever the number of rows.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import Connection, Engine, select

from tickledger.db.lineage_kind import Kind
from tickledger.db.lineage_kinds import KINDS
from tickledger.db.tables import capital_gains, corporate_actions, executions, orders, symbols
from tickledger.domain.bar import BarKey
from tickledger.domain.errors import InputError, Problem
from tickledger.domain.ids import PREFIXES

#: A loss carried from lot to lot makes a chain without a natural end to what a person can read.
MAX_DEPTH: Final = 60

#: A row by the prefix of its kind and its id.
Key = tuple[str, str]
Rows = dict[Key, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class LineageNode:
    """A row with the rows it came from.

    Where `is_cut`, the parents stand elsewhere in the tree under the same id, or lie too deep to be shown here;
    explaining the id shows them. What is a plain chain, as from a feature row to its ingestion, is never cut.
    `is_superseded` marks a row that another has taken the place of.
    """

    id: str
    kind: str
    summary: str
    facts: Mapping[str, str]
    parents: tuple["LineageNode", ...] = ()
    is_superseded: bool = False
    is_cut: bool = False


def explain(engine: Engine, identity: str) -> LineageNode:
    """The lineage of the row `identity`: an id of any kind in `PREFIXES`, or an execution or order id of a broker.

    Superseded rows are explained as well. Raises InputError where no row has the id.
    """
    with engine.connect() as connection:
        root = key_of(connection, identity.strip())
        rows = rows_behind(connection, root)
    if root not in rows:
        raise unknown_row(identity, root)
    return tree_of(root, rows)


def tree_of(root: Key, rows: Rows) -> LineageNode:
    """The row `root` of `rows` with the rows it came from."""
    return _node(root, rows, path=(), shown=set())


def unknown_row(identity: str, key: Key) -> InputError:
    """That the ledger has no row of this id."""
    return _unknown(identity, f"the id of {_one(PREFIXES[key[0]])} in the ledger")


def key_of(connection: Connection, identity: str) -> Key:
    """The row that a person means by `identity`; raises InputError for what can be no id."""
    prefix = identity.partition("_")[0]
    if prefix == "bar":
        return prefix, _checked_bar(identity)
    if prefix in KINDS:
        return prefix, identity
    if identity.startswith("CA:"):
        return "ca", _corporate_action(connection, identity)
    for kind, column in (("exec", executions.c.execution_id), ("ord", orders.c.order_id)):
        if connection.execute(select(column).where(column == identity)).first():
            return kind, identity
    kinds = ", ".join(f"{name} ({prefix}_…)" for prefix, name in PREFIXES.items())
    raise _unknown(identity, f"the id of one of: {kinds}; or an execution or order id as the broker gave it")


def _checked_bar(identity: str) -> str:
    try:
        return str(BarKey.parse(identity))
    except ValueError as error:
        raise _unknown(identity, "a bar id such as bar_AAPL_1day_20120103T0000Z_1") from error


def _corporate_action(connection: Connection, identity: str) -> str:
    """The action that ``CA:symbol:ex_date`` stands for: of several on one day, the one that closed a lot."""
    ticker, _, ex_date = identity.removeprefix("CA:").rpartition(":")
    table = corporate_actions
    closed = select(capital_gains.c.gain_id).where(capital_gains.c.corporate_action_id == table.c.corporate_action_id)
    found = connection.execute(
        select(table.c.corporate_action_id)
        .join(symbols, symbols.c.symbol_id == table.c.symbol_id)
        .where(symbols.c.ticker == ticker, table.c.ex_date == _date(identity, ex_date))
        .order_by(closed.exists().desc(), table.c.superseded_at.desc().nulls_first())
    ).scalar()
    if found is None:
        raise _unknown(identity, f"a corporate action of {ticker} on {ex_date}")
    return str(found)


def _date(identity: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise _unknown(identity, "CA:symbol:date, such as CA:AAPL:2000-06-21") from error


def _one(kind: str) -> str:
    return f"{'an' if kind[0] in 'aeio' else 'a'} {kind}"


def _unknown(identity: str, expected: str) -> InputError:
    return InputError([Problem(where="explain", expected=expected, found=identity)])


def rows_behind(connection: Connection, root: Key) -> Rows:
    """The row of `root` and those of all its ancestors, by kind and id; without `root` where no row has the id."""
    rows: Rows = {}
    level = {root}
    while level:
        for prefix, kind in KINDS.items():
            wanted = sorted(identity for of, identity in level if of == prefix)
            rows |= {(prefix, row["id"]): row for row in _read(connection, kind, wanted)}
        level = {parent for key in level if key in rows for parent in parents_of(key, rows)} - rows.keys()
    return rows


def _read(connection: Connection, kind: Kind, ids: Sequence[str]) -> Iterable[Mapping[str, Any]]:
    return [dict(row) for row in connection.execute(kind.rows(ids)).mappings()] if ids else []


def parents_of(key: Key, rows: Rows) -> list[Key]:
    """The rows that `key` of `rows` came from, whether they are among `rows` or not."""
    cells = rows[key]
    parents: list[Key] = []
    for prefix, column in KINDS[key[0]].parents:
        found = cells[column]
        ids = [] if found is None else [found] if isinstance(found, str) else found
        parents.extend((prefix, identity) for identity in ids)
    return parents


def _node(key: Key, rows: Rows, *, path: tuple[Key, ...], shown: set[Key]) -> LineageNode:
    """The tree below `key`; what forks is unfolded once, and a row is never its own ancestor."""
    kind, cells = KINDS[key[0]], rows[key]
    parents = [parent for parent in parents_of(key, rows) if parent in rows and parent not in path]
    is_cut = not _is_chain(key, rows) and (key in shown or len(path) >= MAX_DEPTH)
    shown.add(key)
    below = () if is_cut else tuple(_node(parent, rows, path=(*path, key), shown=shown) for parent in parents)
    return LineageNode(
        id=key[1],
        kind=kind.name,
        summary=summary_of(key, rows),
        facts=_facts(kind, cells),
        parents=below,
        is_superseded=cells.get("superseded_at") is not None,
        is_cut=is_cut,
    )


def summary_of(key: Key, rows: Rows) -> str:
    """The row in a sentence."""
    return KINDS[key[0]].summary.format_map({name: told(cell) for name, cell in rows[key].items()})


def _is_chain(key: Key, rows: Rows) -> bool:
    """Whether each row from `key` on has one parent at most, as a feature row has its bar and a bar its ingestion."""
    while parents := parents_of(key, rows):
        if len(parents) > 1:
            return False
        key = parents[0]
    return True


def _facts(kind: Kind, cells: Mapping[str, Any]) -> dict[str, str]:
    named = {name: cells[name] for name in kind.facts} | dict(kind.details(cells))
    if cells.get("superseded_at") is not None:
        named["superseded_at"] = cells["superseded_at"]
    return {name: text for name, cell in named.items() if (text := told(cell))}


def told(cell: object) -> str:
    """A cell as a person reads it: decimals exact but for needless zeros, floats to six digits, instants in UTC."""
    return _TELLERS.get(type(cell), str)(cell)


def _told_decimal(number: Decimal) -> str:
    whole, point, fraction = format(number, "f").partition(".")
    return whole + point + fraction.rstrip("0").ljust(2, "0") if point else whole


_TELLERS: Final[Mapping[type, Callable[[Any], str]]] = {
    type(None): lambda _: "",
    bool: lambda cell: "yes" if cell else "no",
    list: lambda cells: ", ".join(map(told, cells)),
    float: lambda cell: f"{cell:.6g}",
    Decimal: _told_decimal,
    date: date.isoformat,
    datetime: lambda cell: cell.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
}
