"""``tickledger breaks``: what differs between the ledger and others, and what a person makes of each."""

import getpass
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Final

import typer

from tickledger.cli.breaks_output import as_json, print_break, print_breaks
from tickledger.cli.console import err, out
from tickledger.cli.ledger import opened_ledger
from tickledger.execution.clock import WallClock
from tickledger.execution.order_journal import new_york_date
from tickledger.reconciliation.breaks import BreakState

if TYPE_CHECKING:
    from tickledger.reconciliation.breaks import TrackedBreak

app = typer.Typer(
    help="Differences between the ledger and brokers' statements, and what becomes of them.", no_args_is_help=True
)

_UNSETTLED: Final = (BreakState.OPEN, BreakState.EXPLAINED)

BreakId = Annotated[str, typer.Argument(metavar="ID", help="The break's id, or its beginning.")]
Note = Annotated[str, typer.Option(help="Why, for the record; it is asked for in an audit.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]


@app.command("list")
def list_breaks(
    *,
    account: Annotated[str | None, typer.Option(help="Of this account alone.")] = None,
    state: Annotated[
        list[BreakState] | None, typer.Option(help="In this state; may be given again.  [default: open, explained]")
    ] = None,
    json: Json = False,
) -> None:
    """List breaks, those with the most money at stake first. Exits 1 while forms wait for one of them."""
    from tickledger.db.breaks import read_breaks

    with opened_ledger() as engine:
        found = read_breaks(engine, account_id=account, states=tuple(state or _UNSETTLED))
    _tell(found, json=json)
    raise typer.Exit(1 if any(one.blocks_forms for one in found) else 0)


@app.command("show")
def show(break_id: BreakId, *, json: Json = False) -> None:
    """Show one break: both sides, what it is worth, what explains it, what could be recorded, and its history."""
    from tickledger.db.breaks import read_break

    with opened_ledger() as engine:
        _tell_one(read_break(engine, break_id), json=json)


@app.command("explain")
def explain(break_id: BreakId, *, note: Note, json: Json = False) -> None:
    """Note why a break is there; forms no longer wait for it, and it stays in sight."""
    _step(break_id, BreakState.EXPLAINED, note, json=json)


@app.command("accept")
def accept(break_id: BreakId, *, note: Note, json: Json = False) -> None:
    """Accept a break as it is: nothing is recorded, and it is out of sight."""
    _step(break_id, BreakState.ACCEPTED, note, json=json)


@app.command("reopen")
def reopen(break_id: BreakId, *, note: Note, json: Json = False) -> None:
    """Open a break again that was explained or accepted."""
    _step(break_id, BreakState.OPEN, note, json=json)


@app.command("apply")
def apply(
    break_id: BreakId,
    *,
    note: Note,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before the record is written.")] = False,
    json: Json = False,
) -> None:
    """Record what a break proposes, as a new record beside the old ones; the next comparison resolves the break.

    Nothing that is recorded is edited. A break that was resolved and comes back can be corrected again; one that is
    resolved, or was corrected since it opened, cannot. Lots, gains and forms follow when they are computed again (in
    the evening, or by the job `nightly_books`).
    """
    from tickledger.db.breaks import read_break
    from tickledger.db.corrections import apply_correction

    with opened_ledger() as engine:
        tracked = read_break(engine, break_id)
        if not yes:
            print_break(tracked, on=new_york_date(WallClock().now()))
            typer.confirm("Record this?", abort=True, err=True)
        record_id = apply_correction(engine, tracked.found, actor=_actor(), note=note, applied_at=WallClock().now())
    if json:
        out.print_json(data={"break_id": tracked.found.break_id, "record_id": record_id})
    else:
        told = "the choice of lots" if record_id is None else record_id
        out.print(f"recorded {told} for break {tracked.found.break_id}", markup=False, highlight=False)


def _step(break_id: str, state: BreakState, note: str, *, json: bool) -> None:
    from tickledger.db.breaks import step_break

    with opened_ledger() as engine:
        tracked = step_break(engine, break_id, state, actor=_actor(), note=note, occurred_at=WallClock().now())
    _tell_one(tracked, json=json)


def _actor() -> str:
    return getpass.getuser()


def _tell(found: "Sequence[TrackedBreak]", *, json: bool) -> None:
    on = new_york_date(WallClock().now())
    if json:
        out.print_json(data=[as_json(one, on=on) for one in found], ensure_ascii=False)
    elif found:
        print_breaks(found, on=on)
    else:
        err.print("no breaks", highlight=False)


def _tell_one(tracked: "TrackedBreak", *, json: bool) -> None:
    on = new_york_date(WallClock().now())
    if json:
        out.print_json(data=as_json(tracked, on=on), ensure_ascii=False)
    else:
        print_break(tracked, on=on)
