"""``tickledger alerts``: whether alerts arrive, before they are needed."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Annotated

import typer

from tickledger.cli.columns import aligned
from tickledger.cli.console import err, out
from tickledger.domain.account import Mode
from tickledger.domain.alert import Alert, AlertKind, AlertSeverity
from tickledger.domain.errors import ConfigurationError
from tickledger.execution.clock import WallClock

if TYPE_CHECKING:
    from tickledger.notifications.channel import Channel, Delivery

_NONE = (
    "no channel is set up: expected TICKLEDGER_SMTP_URL, TICKLEDGER_ALERT_WEBHOOK_URL or "
    "TICKLEDGER_TELEGRAM_BOT_TOKEN, found none of them; docs/alerts.md says how to set up each"
)

app = typer.Typer(help="Messages to a person about fills, rejects, stops, failures.", no_args_is_help=True)


# A callback makes `test` a command of its own even while it is the only one.
@app.callback()
def alerts() -> None:
    """Messages to a person about fills, rejects, stops, failures."""


@app.command("test")
def send_test(
    *, json: Annotated[bool, typer.Option("--json", help="Print what happened as one JSON document on stdout.")] = False
) -> None:
    """Send one test message by every channel that is set up, once each, and say what happened.

    Exits 1 where a channel did not take it, 2 where none is set up or a setting cannot be used.
    """
    from tickledger.notifications.channel import Outcome
    from tickledger.notifications.configuration import alert_channels
    from tickledger.settings import load_settings

    settings = load_settings()
    channels = alert_channels(settings)
    if not channels:
        raise ConfigurationError(_NONE)
    deliveries = _send(channels, settings.mode)
    _print(channels, deliveries, as_json=json)
    raise typer.Exit(0 if all(delivery.outcome is Outcome.SENT for delivery in deliveries) else 1)


def _send(channels: "Sequence[Channel]", mode: Mode) -> "Sequence[Delivery]":
    """One attempt by each channel, all at once: what this is for is to see the failure, not to get around it."""
    from tickledger.notifications.message import composed
    from tickledger.notifications.waiting import Waiting

    message = composed([Waiting(_alert(mode))])
    with ThreadPoolExecutor(max_workers=len(channels)) as pool:
        return list(pool.map(lambda channel: channel.send(message), channels))


def _alert(mode: Mode) -> Alert:
    return Alert(
        kind=AlertKind.SESSION,
        severity=AlertSeverity.INFO,
        title="Test of the alerts",
        body="Alerts of Tickledger arrive here. Nothing has happened.",
        occurred_at=WallClock().now(),
        account_id=None,
        mode=mode,
        facts={"sent by": "tickledger alerts test"},
    )


def _print(channels: "Sequence[Channel]", deliveries: "Sequence[Delivery]", *, as_json: bool) -> None:
    results = [
        {"channel": channel.name, "target": channel.target, "outcome": str(delivery.outcome), "detail": delivery.detail}
        for channel, delivery in zip(channels, deliveries, strict=True)
    ]
    if as_json:
        out.print_json(data=results, ensure_ascii=False)
        return
    out.print(aligned([("channel", "to", "outcome"), *((r["channel"], r["target"], r["outcome"]) for r in results)]))
    for result in results:
        if result["detail"]:
            err.print(f"{result['channel']}: {result['detail']}", markup=False)
