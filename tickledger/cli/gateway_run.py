"""What ``tickledger gateway`` does: read the files, listen, and end cleanly on Ctrl-C or SIGTERM."""

import asyncio
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from tickledger.cli.console import err, out
from tickledger.cli.gateway_market import market_start, read_market, sample_names
from tickledger.domain.errors import ConfigurationError

if TYPE_CHECKING:
    from tickledger.gateway.faults import Fault
    from tickledger.gateway.server import Gateway


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayOptions:
    """The options of the command."""

    bars: Path | None
    quotes: Path | None
    corporate_actions: Path | None
    host: str
    port: int
    control_port: int | None
    speed: float
    nights: float | None
    start: datetime | None
    seed: int
    account: str
    cash: Decimal
    fees: str
    latency_milliseconds: float
    participation: Decimal | None
    faults: Path | None
    journal: Path | None
    master_client_id: int | None


def print_faults() -> None:
    """Every fault with its fields, and when faults happen."""
    from tickledger.gateway import faults

    out.print((faults.__doc__ or "").strip(), markup=False)
    out.print()
    out.print(faults.describe(), markup=False)


def serve(options: GatewayOptions) -> None:
    """Listen until the process is asked to end; raises InputError and ConfigurationError before that."""
    planned = _faults(options.faults)
    _check_account(options.account)
    _check_journal(options.journal)
    with err.status("reading the market"):
        gateway = _gateway(options)
    asyncio.run(_serve(gateway, planned))


def _faults(path: Path | None) -> Sequence["Fault"]:
    from tickledger.gateway.faults import read_faults

    return () if path is None else read_faults(path)


def _check_account(account: str) -> None:
    if not (account.isascii() and account.isalnum()):
        raise ConfigurationError(f"--account: expected letters and digits, found {account!r}")


def _check_journal(path: Path | None) -> None:
    if path is not None and not path.absolute().parent.is_dir():
        raise ConfigurationError(f"--journal: expected a folder for {path}, found none")


def _gateway(options: GatewayOptions) -> "Gateway":
    from tickledger.exchange.fees import schedule
    from tickledger.exchange.venue_settings import VenueSettings
    from tickledger.gateway.gateway_settings import GatewaySettings
    from tickledger.gateway.server import Gateway

    tape = read_market(options.bars, options.quotes, options.corporate_actions, seed=options.seed)
    stands = options.speed == 0
    venue = VenueSettings(
        accounts={options.account: options.cash},
        seed=options.seed,
        starts_at=market_start(tape, options.start, stands=stands),
        latency=timedelta(milliseconds=options.latency_milliseconds),
        max_participation=options.participation,
        fees=schedule(options.fees),
        stands=stands,
    )
    settings = GatewaySettings(
        host=options.host,
        port=options.port,
        account=options.account,
        speed=options.speed,
        night_seconds=options.nights,
        master_client_id=options.master_client_id,
        journal=options.journal,
        control_port=options.control_port,
    )
    return Gateway(tape, venue, settings, names=sample_names() if options.bars is None else None)


async def _serve(gateway: "Gateway", faults: Sequence["Fault"]) -> None:
    end = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, end.set)
    gateway.on_failure = gateway.on_end = end.set
    async with gateway:
        for fault in faults:
            gateway.apply(fault)
        _announce(gateway, len(faults))
        await end.wait()
    err.print("The gateway has ended.", markup=False)


def _announce(gateway: "Gateway", faults: int) -> None:
    settings = gateway.settings
    out.print(f"Simulated IB Gateway on {settings.host}:{gateway.port}, account {settings.account}", markup=False)
    if gateway.control_port is not None:
        out.print(f"Control on {settings.host}:{gateway.control_port}, one JSON object a line", markup=False)
    pace = "time stands" if settings.speed == 0 else f"{settings.speed:g} times as fast as the wall"
    out.print(f"Market at {gateway.venue.now:%Y-%m-%d %H:%M:%S} UTC, {pace}; {_listed(gateway)}", markup=False)
    if faults:
        out.print(f"{faults} faults planned", markup=False)
    out.print("Everything here is simulated. Ctrl-C ends it.", markup=False)


def _listed(gateway: "Gateway") -> str:
    symbols = list(gateway.floor.directory.symbols())
    shown = ", ".join(symbols[:8])
    return f"{len(symbols)} symbols: {shown}{', …' if len(symbols) > 8 else ''}"  # noqa: PLR2004  as many as fit a line
