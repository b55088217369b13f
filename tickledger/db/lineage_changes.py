"""Why a row is other than it was: what stood in its place at an instant, beside what stands there now.

A derived row has another id as soon as anything in it is another, so that the row of before is found by what it is
about: a gain by the fills that opened and closed it, a form line by the gains on it, a Schedule D by its taxpayer and
year. The lineages of both are laid beside each other. What one of them has and the other has not, and every correction
and charge that was recorded since, are the inputs that changed.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Engine, Table, and_, select

from tickledger.db.lineage import (
    Key,
    LineageNode,
    Rows,
    key_of,
    parents_of,
    rows_behind,
    summary_of,
    told,
    tree_of,
    unknown_row,
)
from tickledger.db.lineage_inputs import InputChange, break_steps_since, corrections_since
from tickledger.db.lineage_kinds import KINDS
from tickledger.db.tables import capital_gains, form_line_gains, form_lines, symbols
from tickledger.db.versions import current
from tickledger.domain.ids import PREFIXES

#: What rows are about that take each other's place; a form line is about its gains.
_PLACES: Final[Mapping[str, tuple[str, ...]]] = {
    "schd": ("taxpayer", "mode", "tax_year"),
    "gain": ("account_id", "open_execution_id", "close_execution_id", "corporate_action_id"),
    "lot": ("account_id", "open_execution_id"),
    "wash": ("account_id", "replacement_execution_id"),
    "pos": ("account_id", "symbol_id", "session_date"),
    "brk": ("break_id",),
}
#: What comes from outside, or is a decision of its own; all else is computed from these.
_INPUTS: Final = ("exec", "ca", "cash", "bar", "ing", "model", "sig", "ord")
_VERSIONS: Final = frozenset({"recorded_at", "superseded_at", "id"})


@dataclass(frozen=True, slots=True)
class FieldChange:
    """A field of a row that reads otherwise than before; empty where the row was, or is, not there."""

    name: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class RowChange:
    """A row and the one that takes its place: either may be missing. `fields` are those that differ."""

    kind: str
    before_id: str | None
    after_id: str | None
    summary: str
    fields: tuple[FieldChange, ...]


@dataclass(frozen=True, slots=True)
class LineageChange:
    """What became of a row since an instant.

    `parts` are the rows on it that changed: the gains of a form line, the lines of a Schedule D. `inputs` are the rows
    of the record that came, went or were corrected since; where the row changed and none of them did, it was computed
    by other rules or settings.
    """

    identity: str
    since: datetime
    before: LineageNode | None
    after: LineageNode | None
    row: RowChange
    parts: tuple[RowChange, ...]
    inputs: tuple[InputChange, ...]

    @property
    def is_changed(self) -> bool:
        """Whether another row stands in its place, or something behind it is new."""
        return self.row.before_id != self.row.after_id or bool(self.inputs)


def changes_since(engine: Engine, identity: str, since: datetime) -> LineageChange:
    """What became since `since` of the row `identity`, which may be the one of then or the one of now.

    Raises InputError where no row has the id.
    """
    with engine.connect() as connection:
        asked = key_of(connection, identity.strip())
        rows = rows_behind(connection, asked)
        if asked not in rows:
            raise unknown_row(identity, asked)
        before = _in_its_place(connection, asked, rows, as_of=since)
        after = _in_its_place(connection, asked, rows, as_of=None)
        rows_before = {} if before is None else rows_behind(connection, before)
        rows_after = {} if after is None else rows_behind(connection, after)
        known = rows_before.keys() & rows_after.keys()
        fills = [name for prefix, name in sorted(known) if prefix == "exec"]
        inputs = [*_came_and_went(rows_before, rows_after, since), *corrections_since(connection, fills, since)]
        inputs += break_steps_since(connection, asked[1], since) if asked[0] == "brk" else []
    return LineageChange(
        identity=asked[1],
        since=since,
        before=None if before is None else tree_of(before, rows_before),
        after=None if after is None else tree_of(after, rows_after),
        row=_row_change(before, after, rows_before, rows_after),
        parts=_parts(before, after, rows_before, rows_after),
        inputs=tuple(sorted(inputs, key=lambda one: (one.happened_at, one.kind, one.id))),
    )


def _in_its_place(connection: Connection, asked: Key, rows: Rows, *, as_of: datetime | None) -> Key | None:
    """The row that stood, or stands, in the place of `asked`; itself, where it was in force."""
    prefix = asked[0]
    kind = KINDS[prefix]
    if "recorded_at" not in kind.table.c:
        return asked
    cells = rows[asked]
    if _is_in_force(cells, as_of):
        return asked
    if prefix == "line":
        return _line_in_its_place(connection, asked, as_of)
    if prefix not in _PLACES:
        return None
    where = [_equals(kind.table, name, cells) for name in _PLACES[prefix]]
    found = _candidates(connection, kind.table, kind.key, where, as_of)
    return _nearest(prefix, found, cells.get("quantity"))


def _is_in_force(cells: Mapping[str, Any], as_of: datetime | None) -> bool:
    ended = cells.get("superseded_at")
    if as_of is None:
        return ended is None
    return bool(cells["recorded_at"] <= as_of and (ended is None or ended > as_of))


def _equals(table: Table, name: str, cells: Mapping[str, Any]) -> ColumnElement[bool]:
    """That a row is about the same as `cells`; the symbol's number is not among them, the fills say it."""
    if name == "symbol_id":
        number = select(symbols.c.symbol_id).where(symbols.c.ticker == cells["symbol"]).scalar_subquery()
        return table.c.symbol_id == number
    condition: ColumnElement[bool] = table.c[name].is_not_distinct_from(cells[name])
    return condition


def _candidates(
    connection: Connection,
    table: Table,
    key: ColumnElement[str],
    where: Iterable[ColumnElement[bool]],
    as_of: datetime | None,
) -> list[tuple[str, Decimal | None]]:
    quantity = [table.c.quantity] if "quantity" in table.c else []
    in_force = current(table, as_of) if "superseded_at" in table.c else table.c.recorded_at <= as_of
    statement = select(key, *quantity).where(in_force, *where).order_by(key)
    return [(row[0], row[1] if quantity else None) for row in connection.execute(statement)]


def _nearest(prefix: str, found: Sequence[tuple[str, Decimal | None]], quantity: Decimal | None) -> Key | None:
    """Of several parts of a lot the one that is nearest in size."""
    if not found:
        return None
    zero = Decimal(0)
    return prefix, min(found, key=lambda one: (abs((one[1] or zero) - (quantity or zero)), one[0]))[0]


def _line_in_its_place(connection: Connection, asked: Key, as_of: datetime | None) -> Key | None:
    """The line, in force at `as_of`, that has the most shares of the same disposals on it."""
    gains, links = capital_gains, form_line_gains
    mine = select(gains.c.close_execution_id, gains.c.corporate_action_id, gains.c.open_execution_id)
    mine = mine.join(links, links.c.gain_id == gains.c.gain_id).where(links.c.line_id == asked[1])
    of_mine = {tuple(row) for row in connection.execute(mine)}
    sold = [close for close, _, _ in of_mine if close is not None]
    paid = [action for _, action, _ in of_mine if action is not None]
    asked_line = connection.execute(select(form_lines).where(form_lines.c.line_id == asked[1])).mappings().one()
    same_form = [form_lines.c[name] == asked_line[name] for name in ("taxpayer", "mode", "tax_year")]
    others = (
        select(links.c.line_id, gains)
        .join(gains, gains.c.gain_id == links.c.gain_id)
        .join(form_lines, and_(form_lines.c.line_id == links.c.line_id, current(form_lines, as_of)))
        .where(*same_form, gains.c.close_execution_id.in_(sold) | gains.c.corporate_action_id.in_(paid))
    )
    shares: dict[str, tuple[Decimal, Decimal]] = {}
    for row in connection.execute(others).mappings():
        both, closed = shares.get(row["line_id"], (Decimal(0), Decimal(0)))
        name = (row["close_execution_id"], row["corporate_action_id"], row["open_execution_id"])
        shares[row["line_id"]] = (both + (row["quantity"] if name in of_mine else 0), closed + row["quantity"])
    if not shares:
        return None
    return "line", max(sorted(shares), key=lambda line_id: shares[line_id])


def _row_change(before: Key | None, after: Key | None, rows_before: Rows, rows_after: Rows) -> RowChange:
    key, rows = (after, rows_after) if after is not None else (before, rows_before)
    if key is None:
        return RowChange("", None, None, "", ())
    cells_before = {} if before is None else rows_before[before]
    cells_after = {} if after is None else rows_after[after]
    return RowChange(
        kind=PREFIXES[key[0]],
        before_id=None if before is None else before[1],
        after_id=None if after is None else after[1],
        summary=summary_of(key, rows),
        fields=_fields(key, cells_before, cells_after) if before != after else (),
    )


def _fields(key: Key, before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[FieldChange, ...]:
    """What differs, but for ids and versions: which rows are behind it is told by `parts` and `inputs`."""
    ids = {column for _, column in KINDS[key[0]].parents} | {KINDS[key[0]].key.name} | _VERSIONS
    names = [name for name in {**before, **after} if name not in ids]
    changes = [FieldChange(name, told(before.get(name)), told(after.get(name))) for name in names]
    return tuple(change for change in changes if change.before != change.after)


def _parts(before: Key | None, after: Key | None, rows_before: Rows, rows_after: Rows) -> tuple[RowChange, ...]:
    """The rows on `before` and on `after` that are not on both, each beside the one it takes the place of."""
    of_before = _on(before, rows_before)
    of_after = _on(after, rows_after)
    gone = [key for key in of_before if key not in of_after]
    came = [key for key in of_after if key not in of_before]
    changes = []
    for key in gone:
        partner = _partner(key, rows_before, came, rows_after)
        if partner is not None:
            came.remove(partner)
        changes.append(_row_change(key, partner, rows_before, rows_after))
    return (*changes, *(_row_change(None, key, rows_before, rows_after) for key in came))


def _on(root: Key | None, rows: Rows) -> list[Key]:
    """The gains of a form line, the lines of a Schedule D."""
    if root is None or root[0] not in {"line", "schd"}:
        return []
    return [key for key in parents_of(root, rows) if key in rows]


def _partner(key: Key, rows: Rows, others: Collection[Key], rows_of_others: Rows) -> Key | None:
    names = _PLACES.get(key[0], ("description", "date_sold", "box"))
    place = [rows[key].get(name) for name in names]
    same = [other for other in others if [rows_of_others[other].get(name) for name in names] == place]
    if not same:
        return None
    size = rows[key].get("quantity") or Decimal(0)
    return min(same, key=lambda other: (abs((rows_of_others[other].get("quantity") or Decimal(0)) - size), other))


def _came_and_went(before: Rows, after: Rows, since: datetime) -> list[InputChange]:
    """The inputs that one lineage has and the other has not: those of the nearest kind that explains the difference."""
    came = _changed(after, before)
    went = _changed(before, after)
    rows = {**before, **after}
    return [
        *(_input(key, rows, "recorded", rows[key].get("recorded_at") or since) for key in came),
        *(_input(key, rows, "no longer behind it", rows[key].get("superseded_at") or since) for key in went),
    ]


def _changed(these: Rows, others: Rows) -> list[Key]:
    """The rows of `these` alone: fills, actions and cash; and what else has nothing new behind it but an ingestion."""
    own = [key for key in these if key not in others and key[0] in _INPUTS]
    facts = [key for key in own if key[0] in {"exec", "ca", "cash"}]
    is_new = set(own)
    roots = [
        key
        for key in own
        if key[0] in {"bar", "model", "sig", "ord"}
        and not any(parent in is_new and parent[0] != "ing" for parent in parents_of(key, these))
    ]
    return [*facts, *(key for key in roots if key[0] == "bar" or not facts)]


def _input(key: Key, rows: Rows, what: str, at: datetime) -> InputChange:
    files = [parent for parent in parents_of(key, rows) if parent[0] == "ing" and parent in rows]
    source = ", ".join(str(rows[file]["source"]) for file in files)
    return InputChange(key[1], PREFIXES[key[0]], what, summary_of(key, rows), at, source)
