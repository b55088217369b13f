"""``tickledger up``: everything a person looks at, until Ctrl-C."""

from typing import Annotated

import typer


def run(
    *,
    dagster_port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the Dagster UI.")] = 3000,
    mlflow_port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the MLflow UI.")] = 5000,
) -> None:
    """Start the database, Redis, Dagster and MLflow, print their addresses, and stop them all on Ctrl-C.

    Everything listens on this machine alone. The logs are in the `logs` folder of TICKLEDGER_HOME.
    """
    from tickledger.cli.checkout import require_checkout
    from tickledger.settings import load_settings

    require_checkout("up")
    from tickledger.cli.supervision import Ports, supervise

    supervise(load_settings(), Ports(dagster=dagster_port, mlflow=mlflow_port))
