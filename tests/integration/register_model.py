"""Trains and registers in a process of its own; prints the versions and every address that Python connected to.

python -m tests.integration.register_model TRACKING_URI ARTIFACT_ROOT
"""

import json
import sys
from pathlib import Path

from ml.code_state import CodeState
from ml.models import gradient_boosting
from ml.models.gradient_boosting import GradientBoostingParameters
from ml.training import TrainingPlan, plan_direction, train
from tests.research import FEATURE_NAMES, market

MARKET = market(seed=11)
ALGORITHMS = (gradient_boosting(GradientBoostingParameters(n_estimators=5)),)


def small_plan() -> TrainingPlan:
    return plan_direction(
        MARKET.features,
        MARKET.adjusted,
        year=2012,
        feature_names=FEATURE_NAMES,
        feature_set="synthetic",
        algorithms=ALGORITHMS,
    )


def main(tracking_uri: str, artifact_root: str) -> None:
    addresses: list[str] = []
    sys.addaudithook(lambda event, args: addresses.append(str(args[1])) if event == "socket.connect" else None)
    from ml.registry import ModelRegistry  # noqa: PLC0415  what its import connects to is observed as well

    plan = small_plan()
    registry = ModelRegistry(tracking_uri, Path(artifact_root))
    versions = registry.register(train(plan), code=CodeState("commit", ""))
    from mlflow.telemetry import get_telemetry_client  # noqa: PLC0415  the registry comes first

    print(
        json.dumps(
            {
                "versions": [[version.version, version.model_version_id] for version in versions],
                "addresses": addresses,
                "telemetry": get_telemetry_client() is not None,
            }
        )
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
