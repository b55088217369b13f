"""Breaks as tables: breaks.csv of the audit packet and of the exports, and the evening's summary."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date

from tickledger.reconciliation.breaks import TrackedBreak
from tickledger.reporting.table import Table


def breaks_table(breaks: Iterable[TrackedBreak]) -> Table:
    """Every break with its state and what a person said of it."""
    columns = (
        *("break_id", "state", "account", "subject", "field", "key", "symbol", "cause", "session_date", "against"),
        *("ledger", "theirs", "money_at_stake", "detail", "where", "because_of", "proposed", "notes"),
    )
    rows = []
    for one in breaks:
        found = one.found
        notes = [f"{event.occurred_at.date()} {event.actor}: {event.note}" for event in one.events if event.note]
        rows.append(
            {
                "break_id": found.break_id,
                "state": one.state,
                "account": found.account_id,
                "subject": found.subject,
                "field": found.field,
                "key": found.key,
                "symbol": found.symbol,
                "cause": found.cause,
                "session_date": found.session_date.isoformat(),
                "against": found.against,
                "ledger": found.ours,
                "theirs": found.theirs,
                "money_at_stake": f"{found.money_at_stake:f}",
                "detail": found.detail,
                "where": found.where,
                "because_of": ";".join(found.because_of),
                "proposed": "" if found.correction is None else found.correction.kind,
                "notes": " | ".join(notes),
            }
        )
    return Table(columns=columns, rows=rows)


def daily_table(breaks: Iterable[TrackedBreak], *, on: date) -> Table:
    """daily.csv: unsettled breaks by account, source, subject and cause, with their worth and the oldest of them."""
    groups: defaultdict[tuple[str, str, str, str], list[TrackedBreak]] = defaultdict(list)
    for one in breaks:
        found = one.found
        groups[found.account_id, str(found.against), str(found.subject), str(found.cause)].append(one)
    names = ("account", "against", "subject", "cause")
    rows = [
        {
            **dict(zip(names, key, strict=True)),
            "breaks": len(group),
            "usd_at_stake": f"{sum(one.found.money_at_stake for one in group if one.blocks_forms):.2f}",
            "oldest_days": max(one.age(on) for one in group),
        }
        for key, group in sorted(groups.items())
    ]
    return Table(columns=(*names, "breaks", "usd_at_stake", "oldest_days"), rows=rows)
