"""``tickledger up``: everything a person looks at, until Ctrl-C."""

from typing import Annotated

import typer


def run(
    *,
    dagster_port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the Dagster UI.")] = 3000,
    mlflow_port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the MLflow UI.")] = 5000,
    dashboard_port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the dashboard.")] = 8050,
    market: Annotated[
        bool,
        typer.Option(help="A simulated market, unless live mode or TICKLEDGER_IB_HOST or _PORT name a broker."),
    ] = True,
    market_speed: Annotated[
        float, typer.Option(min=0.1, max=1000, help="Seconds of the simulated market in one of the wall.")
    ] = 60,
) -> None:
    """Start the database, Redis, Dagster, MLflow, the dashboard and a simulated market, until Ctrl-C stops them all.

    The trading session runs in the simulated market from the first minute, with an account of its own: nothing reaches
    a broker. Everything listens on this machine alone. The logs are in the `logs` folder of TICKLEDGER_HOME.
    """
    from tickledger.cli.checkout import require_checkout
    from tickledger.settings import load_settings

    require_checkout("up")
    from tickledger.cli.supervision import Ports, supervise

    ports = Ports(dagster=dagster_port, mlflow=mlflow_port, dashboard=dashboard_port)
    supervise(load_settings(), ports, market_speed=market_speed if market else None)
