"""The answer of ``tickledger what-if``: for a person, or as one JSON document."""

import json
from collections.abc import Iterable
from dataclasses import asdict
from decimal import Decimal
from typing import Any

from rich.table import Table

from tickledger.cli.console import out
from tickledger.domain.lot import Lot, Term
from tickledger.domain.wash_sale import RecentLoss
from tickledger.execution.tax_history import HYPOTHETICAL
from tickledger.execution.what_if import SoldLot, Waiting, WhatIf

_TERMS = {Term.SHORT: "short-term", Term.LONG: "long-term"}


def print_answer(answer: WhatIf, *, as_json: bool) -> None:
    """Print to standard output."""
    if as_json:
        out.print(json.dumps(as_document(answer), ensure_ascii=False), markup=False, soft_wrap=True)
        return
    out.print(_headline(answer), markup=False, style="bold")
    if answer.sold:
        out.print(_gains(answer.sold))
    for sentence in (*_wash_sale(answer), *_years(answer), *_taxes(answer), *_waiting(answer)):
        out.print(f"• {sentence}", markup=False)
    for note in answer.notes:
        out.print(f"Note: {note}.", markup=False, style="dim")
    out.print(_assumption(answer), markup=False, style="dim")


def as_document(answer: WhatIf) -> dict[str, Any]:
    """The answer with its fields' names; money and shares are numbers, dates ISO 8601."""
    document = _plain(asdict(answer))
    document["side"] = "BUY" if answer.trade.lot is None else "SELL"
    document["assumption"] = _assumption(answer)
    return document  # type: ignore[no-any-return]  # a dictionary of a dataclass


def _plain(value: object) -> Any:  # noqa: ANN401  whatever JSON holds
    match value:
        case dict():
            return {key: _plain(part) for key, part in value.items()}
        case list() | tuple():
            return [_plain(part) for part in value]
        case Decimal():
            return float(value)
        case None | bool() | int():
            return value
        case _:
            return str(value)


def _headline(answer: WhatIf) -> str:
    trade = answer.trade
    verb = "Buy" if trade.lot is None else "Sell"
    whence = "" if trade.lot is None else f", of {trade.lot.lot_id or trade.lot.open_execution_id}"
    return (
        f"{verb} {_shares(trade.quantity)} {trade.symbol} at {trade.price} on {trade.on} in {trade.account_id}{whence}"
    )


def _gains(sold: Iterable[SoldLot]) -> Table:
    table = Table(
        "lot", "shares", "acquired", "term", "long-term from", "proceeds", "basis", "disallowed", "gain or loss"
    )
    for row in sold:
        gain = row.gain
        wait = f" (in {row.days_to_long_term} days)" if row.days_to_long_term else ""
        table.add_row(
            gain.lot_id,
            _shares(gain.quantity),
            str(gain.acquired_date),
            _TERMS[gain.term],
            f"{row.long_term_from}{wait}",
            f"{gain.proceeds:,.2f}",
            f"{gain.basis:,.2f}",
            f"{gain.disallowed_loss:,.2f}",
            f"{gain.gain_loss:,.2f}",
        )
    return table


def _wash_sale(answer: WhatIf) -> Iterable[str]:
    effect = answer.wash_sale
    if not effect.disallowed_loss:
        yield "Wash sales: no loss is disallowed."
    else:
        yield f"Wash sales: {_usd(effect.disallowed_loss)} of loss is disallowed."
    for loss in effect.losses:
        yield (f"{_usd(loss.disallowed_loss)} of the loss of {_sale(loss)}; its window ends on {loss.open_until_date}.")
    carriers = {lot.lot_id: lot for lot in answer.carriers}
    for taken in effect.replacements:
        carrier = carriers.get(taken.lot_id or "")
        yield f"{_usd(taken.disallowed_loss)} {_destination(carrier, is_permanent=taken.is_permanent)} ({taken.rule})."
    if answer.window_end is not None:
        yield (
            f"A purchase until {answer.window_end} disallows what it replaces of the {_usd(answer.open_loss)} of loss "
            "that is left."
        )


def _sale(loss: RecentLoss) -> str:
    if loss.close_execution_id == HYPOTHETICAL:
        return "this sale"
    return f"{loss.close_execution_id} ({loss.symbol}, {loss.sold_date}, {loss.account_id})"


def _destination(carrier: Lot | None, *, is_permanent: bool) -> str:
    if is_permanent:
        return "is lost for good: no lot carries it"
    if carrier is None:
        return "is taken over by a later sale"
    return (
        f"goes into the basis of {carrier.lot_id} ({_shares(carrier.quantity)} {carrier.symbol} of "
        f"{carrier.open_execution_id}): {_usd(carrier.original_basis)} becomes {_usd(carrier.adjusted_basis)}, held "
        f"since {carrier.holding_start}"
    )


def _years(answer: WhatIf) -> Iterable[str]:
    for year in answer.change:
        yield (
            f"{year.tax_year}: short-term {_signed(year.short_term)}, long-term {_signed(year.long_term)}; the year's "
            f"net gain goes from {_usd(year.net_before)} to {_usd(year.net_after)}."
        )
    if not answer.change:
        yield "No year's gains change."


def _taxes(answer: WhatIf) -> Iterable[str]:
    if answer.tax is None or answer.after_tax is None:
        yield f"Cash before tax: {_signed(answer.net_proceeds)}."
        return
    kind = "Tax" if answer.tax >= 0 else "Tax saved"
    cash = f"cash {_signed(answer.net_proceeds)}, after tax {_signed(answer.after_tax)}"
    yield f"{kind}: {_usd(abs(answer.tax))}; {cash}."


def _waiting(answer: WhatIf) -> Iterable[str]:
    waiting = answer.waiting
    if waiting is None:
        return
    start = f"Waiting {waiting.days} days, until {waiting.on}, at the same price"
    if waiting.difference is None:
        yield f"{start}: all of it would be long-term, and {_usd(waiting.disallowed_loss)} of loss disallowed."
        return
    better = "more" if waiting.difference >= 0 else "less"
    yield f"{start}: {_usd(abs(waiting.difference))} {better} after tax{_break_even(waiting)}."


def _break_even(waiting: Waiting) -> str:
    if waiting.break_even_price is None:
        return ""
    return f"; waiting pays as long as the price is then above {waiting.break_even_price}"


def _assumption(answer: WhatIf) -> str:
    if answer.rates is None:
        return "No tax rates were given (--rate-short, --rate-long): everything is before tax. Not tax advice."
    rates = answer.rates
    return (
        f"Every dollar of change is taxed at the rates given, {rates.short_term} short-term and {rates.long_term} "
        "long-term; a loss saves as much: no limit on losses, carryover or bracket is reached. Not tax advice."
    )


def _usd(amount: Decimal) -> str:
    return f"{amount:,.2f} USD"


def _signed(amount: Decimal) -> str:
    return f"{amount:+,.2f} USD"


def _shares(quantity: Decimal) -> str:
    return f"{quantity.normalize():f}"
