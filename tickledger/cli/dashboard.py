"""``tickledger dashboard``: the dashboard alone, until Ctrl-C; `tickledger up` starts it beside everything else."""

from typing import Annotated

import typer

from tickledger.cli.console import err, out


def run(
    *,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the dashboard.")] = 8050,
) -> None:
    """Serve the dashboard of the ledger on this machine alone, and print the address that opens it, until Ctrl-C."""
    from tickledger.api.access import Access, token_of
    from tickledger.api.serve import serve
    from tickledger.cli.ports import free_port, port_problem
    from tickledger.domain.errors import ConfigurationError
    from tickledger.settings import load_settings

    if problem := port_problem(port):
        raise ConfigurationError(
            f"port {port}: expected a free port for the dashboard, found: {problem}. "
            f"Stop what uses it, or choose another: tickledger dashboard --port {free_port()}"
        )
    settings = load_settings()
    access = Access(token_of(settings), port)
    out.print(access.login_address, markup=False, soft_wrap=True)
    err.print("Whoever has this address may read the ledger and stop trading. Ctrl-C ends it.")
    serve(settings, access)
