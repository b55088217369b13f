"""``tickledger trade``: one trading session in the foreground, without Dagster."""

from typing import Annotated

import typer

from tickledger.domain.account import Mode
from tickledger.domain.errors import ConfigurationError


def run(
    *,
    mode: Annotated[Mode, typer.Option(help="paper, or live: with real money, where TICKLEDGER_MODE says so too.")],
    until: Annotated[
        str | None,
        typer.Option(
            metavar="T", help="When to end: HH:MM in New York, or an instant with its offset. The close, if not told."
        ),
    ] = None,
    standby: Annotated[
        bool, typer.Option("--standby", help="Wait for the session that trades now to be gone, and take over.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the session as one JSON document on stdout.")] = False,
) -> None:
    """Trade the account of the settings until the close, or until told to end.

    The terms are printed first. The session waits for the open where the market is still closed. Ctrl-C ends it in
    good order: nothing new is decided, what it holds stays. To cancel everything as well, `tickledger kill`.
    """
    from tickledger.cli.checkout import require_checkout
    from tickledger.settings import load_settings

    require_checkout("trade")
    if mode is Mode.SIMULATED:
        raise ConfigurationError("--mode: expected paper or live, found simulated, which `tickledger demo` replays")
    settings = load_settings()
    if mode is Mode.LIVE and settings.mode is not Mode.LIVE:
        raise ConfigurationError(
            f"--mode live: expected TICKLEDGER_MODE=live as well, found {settings.mode}. Real money takes both."
        )
    from tickledger.cli.trade_run import trade

    trade(settings.model_copy(update={"mode": mode}), until=until, standby=standby, as_json=json)
