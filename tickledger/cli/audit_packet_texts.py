"""What a packet says in words and tables: what is in it, every adjustment explained, the breaks, how to rebuild it."""

import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from tickledger.cli.tax_summary import TaxReport
from tickledger.domain.account import Account
from tickledger.execution.tax_history import TaxHistory
from tickledger.reconciliation.broker_scope import broker_scope, taxpayer_scope
from tickledger.reconciliation.scope_adjustments import scope_adjustments
from tickledger.reporting.table import Table
from tickledger.tax.explanation import explanations
from tickledger.tax.fills import LotChoice, from_executions
from tickledger.tax.schedule_d import FilingStatus

if TYPE_CHECKING:
    from tickledger.db.report_record import ReportRecord
    from tickledger.db.statements import StoredStatement
    from tickledger.reconciliation.breaks import TrackedBreak

#: Where the packet keeps what it was made of.
INPUTS: Final = "inputs"


def read_me(report: TaxReport, *, taxpayer: str, breaks: "Sequence[TrackedBreak]", differences: Sequence[str]) -> str:
    """What is in the packet, for who opens it."""
    schedule = report.schedule
    waiting = [one for one in breaks if one.blocks_forms]
    mark = f"\n{schedule.watermark}\n" if schedule.watermark else ""
    left_out = ", ".join(sorted(report.result.left_out)) or "none"
    lines = "\n".join(f"  line {name:<4} {amount:>18,.2f}" for name, amount in schedule.results.items())
    agreed = "They are those of the ledger, row by row."
    if differences:
        agreed = f"THEY DIFFER FROM THE LEDGER'S in {len(differences)} rows: compute them again, then the packet."
    return f"""Capital gains and losses of {taxpayer}, tax year {schedule.tax_year}
{mark}
Schedule D, USD:
{lines}

forms/            Form 8949 and Schedule D filled in (PDF), as tables (form_8949.csv, schedule_d.json), for tax software
                  (forms.txf), and the gains, lots and wash sales behind them. They were computed from inputs/ alone.
                  {agreed}
adjustments.csv   every gain of the year with the arithmetic of its proceeds, basis, term and adjustment in words
reconciliation/   what differed between the record and the broker's statements, and what became of it:
                  {len(breaks)} differences, {len(waiting)} of them open and worth money; adjustments_to_1099b.csv
                  leads from what brokers report by their rules to the forms, line by line
inputs/           every fill, account and corporate action, and the broker's statements as they came
rebuild.sh        makes forms/ again from inputs/, with `tickledger` installed, and compares
MANIFEST.json     what made this, the positions taken where the law is unsettled, and the SHA-256 of every file

Securities that could not be computed and were left out: {left_out}.
No tax advice.
"""


def rebuild_script(
    report: TaxReport,
    *,
    has_identity: bool,
    has_carryover: bool,
    filing_status: FilingStatus,
    policies: Iterable[str],
) -> str:
    """The command that makes the forms again, and compares them with those of the packet."""
    options = [
        f"--fills {INPUTS}/fills.csv",
        f"--accounts {INPUTS}/accounts.csv",
        f"--corporate-actions {INPUTS}/corporate_actions.csv",
        *([f"--identity {INPUTS}/identity.csv"] if has_identity else []),
        *([f"--carryover {INPUTS}/carryover.json"] if has_carryover else []),
        f"--taxpayer {shlex.quote(report.taxpayer)}",
        f"--filing-status {filing_status}",
        *(f"--policy {shlex.quote(policy)}" for policy in policies),
        "--method fifo",
        f"--year {report.schedule.tax_year}",
        "--out rebuilt",
    ]
    command = " \\\n    ".join(["tickledger tax", *options])
    return f"""#!/bin/sh
# Makes the forms again from the inputs, and says whether they are those of this packet.
set -eu
cd "$(dirname "$0")"
{command}
for table in form_8949.csv gains.csv lots.csv wash_sales.csv schedule_d.json; do
    cmp "rebuilt/$table" "forms/$table"
done
echo "the rebuilt tables are those of the packet"
"""


def explained(report: TaxReport, record: "ReportRecord", lots: Mapping[str, tuple[LotChoice, ...]]) -> Table:
    """Every gain of the forms in words."""
    told = explanations(
        report.result,
        fills=from_executions(record.executions, lots=lots),
        accounts=record.accounts,
        corporate_actions=record.corporate_actions,
    )
    columns = ("gain_id", "account", "symbol", "sold_date", "code", "adjustment", "gain_loss", "explanation")
    rows = [
        {
            "gain_id": gain.gain_id,
            "account": gain.account_id,
            "symbol": gain.symbol,
            "sold_date": gain.sold_date.isoformat(),
            "code": gain.adjustment_code,
            "adjustment": f"{gain.disallowed_loss:f}",
            "gain_loss": f"{gain.gain_loss:f}",
            "explanation": told[gain.gain_id],
        }
        for gain in report.gains
    ]
    return Table(columns=columns, rows=rows)


def scope_table(
    record: "ReportRecord", lots: Mapping[str, tuple[LotChoice, ...]], accounts: Sequence[Account], *, tax_year: int
) -> Table:
    """What leads from the brokers' 1099-B to the forms: the adjustments with codes W, B and T, line by line.

    The brokers' side is worked out by their rules: each looks at one account and one CUSIP.
    """
    mode = accounts[0].mode
    names = {account.account_id for account in record.accounts if account.mode is mode}
    history = TaxHistory(
        fills=from_executions([row for row in record.executions if row.account_id in names], lots=lots),
        accounts=[account for account in record.accounts if account.account_id in names],
        corporate_actions=record.corporate_actions,
    )
    brokers = {account.account_id: broker_scope(history, account.account_id) for account in accounts}
    found = scope_adjustments(brokers, taxpayer_scope(history), tax_year=tax_year)
    columns = ("account", "symbol", "description", "code", "reported", "correct", "amount", "difference", "explanation")
    rows = [
        {
            "account": one.account_id,
            "symbol": one.symbol,
            "description": one.description,
            "code": one.code,
            "reported": f"{one.reported:f}",
            "correct": f"{one.correct:f}",
            "amount": f"{one.amount:f}",
            "difference": f"{one.difference:f}",
            "explanation": one.explanation,
        }
        for one in found
    ]
    return Table(columns=columns, rows=rows)


def statements_table(statements: "Iterable[StoredStatement]") -> Table:
    """The statements that were compared, with their hashes."""
    columns = ("statement_id", "account", "start_date", "end_date", "is_complete", "file", "sha256", "kind")
    rows = [
        {
            "statement_id": one.statement_id,
            "account": one.broker_account,
            "start_date": one.start_date or "",
            "end_date": one.end_date or "",
            "is_complete": "true" if one.is_complete else "false",
            "file": one.source.name,
            "sha256": one.source.sha256,
            "kind": one.source.kind,
        }
        for one in statements
    ]
    return Table(columns=columns, rows=rows)
