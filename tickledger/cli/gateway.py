"""``tickledger gateway``: a simulated IB Gateway for any TWS-API client, until Ctrl-C."""

from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated

import typer

_HIGHEST_PORT = 65_535


def run(
    *,
    bars: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Daily or minute bars, .csv, .csv.gz or .parquet: symbol, timestamp, open, high, low, close, volume. "
            "The bundled sample, if not told.",
        ),
    ] = None,
    quotes: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Quotes: symbol, timestamp, bid, ask, bid_size, ask_size; or bid_open to ask_close of each minute.",
        ),
    ] = None,
    corporate_actions: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Splits, dividends and the rest of the bars' symbols.")
    ] = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=_HIGHEST_PORT, help="Port of the API; 0 takes a free one.")] = 4002,
    control_port: Annotated[
        int | None,
        typer.Option(min=0, max=_HIGHEST_PORT, help="Port for faults and orders as JSON lines; none if not told."),
    ] = None,
    speed: Annotated[
        float,
        typer.Option(min=0, max=100_000, help="Seconds of the market in one of the wall; 0: it stands mid-session."),
    ] = 1,
    nights: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=86_400,
            help="Seconds of the wall from a close to the next open, and the command ends after the last session; "
            "nights take their time and there is no end, if not told.",
        ),
    ] = None,
    start: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M:%S"],
            help="Where the market begins: a session's date (its open; the middle of it at speed 0), or an instant "
            "(UTC without an offset). The last session of the bars, if not told.",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="The same files and the same seed make the same market.")] = 0,
    account: Annotated[str, typer.Option(help="The account's number.")] = "DU1234567",
    cash: Annotated[float, typer.Option(min=0, help="Its opening cash, USD.")] = 1_000_000,
    fees: Annotated[str, typer.Option(help="none, per_order:X, ib_fixed or ib_tiered.")] = "ib_fixed",
    latency: Annotated[float, typer.Option(min=0, max=60_000, help="Milliseconds from a message to its effect.")] = 0,
    participation: Annotated[
        float | None,
        typer.Option(min=0.0001, max=1, help="Largest part of a minute's volume that orders get; whole if not told."),
    ] = None,
    faults: Annotated[
        Path | None, typer.Option(metavar="FILE", help="What goes wrong and when, JSON; see --list-faults.")
    ] = None,
    journal: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Append every message of both directions to it, as JSON lines.")
    ] = None,
    master_client: Annotated[
        int | None, typer.Option(min=0, help="Client id that sees the orders of all clients.")
    ] = None,
    list_faults: Annotated[
        bool, typer.Option("--list-faults", help="Print every fault and its fields, and end.")
    ] = False,
) -> None:
    """Listen as IB Gateway does, over replayed bars: connect ib_insync, ib_async or ibapi to it.

    Orders are matched against quotes made from the bars; accounts, executions and commissions are kept. Everything is
    simulated, and nothing reaches a broker. Ends on Ctrl-C.
    """
    from tickledger.cli.gateway_run import GatewayOptions, print_faults, serve

    if list_faults:
        print_faults()
        return
    serve(
        GatewayOptions(
            bars=bars,
            quotes=quotes,
            corporate_actions=corporate_actions,
            host=host,
            port=port,
            control_port=control_port,
            speed=speed,
            nights=nights,
            start=start,
            seed=seed,
            account=account,
            cash=Decimal(str(cash)),
            fees=fees,
            latency_milliseconds=latency,
            participation=None if participation is None else Decimal(str(participation)),
            faults=faults,
            journal=journal,
            master_client_id=master_client,
        )
    )
