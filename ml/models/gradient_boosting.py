"""Gradient-boosted trees by XGBoost (Chen & Guestrin, KDD 2016): few, shallow, slow to learn.

Histogram splits on one thread: sums of gradients are then added in one order, and two runs agree bit by bit.
"""

from dataclasses import asdict, dataclass
from typing import cast

from ml.models.algorithm import Algorithm, Classifier


@dataclass(frozen=True, slots=True)
class GradientBoostingParameters:
    """XGBoost's names; `min_child_weight` is a sum of p(1 − p), about a quarter of the rows in a leaf."""

    n_estimators: int = 120
    max_depth: int = 3
    learning_rate: float = 0.03
    min_child_weight: float = 25.0
    subsample: float = 0.5
    colsample_bytree: float = 0.5
    reg_lambda: float = 10.0
    random_state: int = 20000301


def gradient_boosting(parameters: GradientBoostingParameters | None = None) -> Algorithm:
    """The row of the table for gradient-boosted trees."""
    chosen = parameters or GradientBoostingParameters()

    def build() -> Classifier:
        from xgboost import XGBClassifier  # noqa: PLC0415  slow to import

        return cast("Classifier", XGBClassifier(**asdict(chosen), tree_method="hist", n_jobs=1))

    return Algorithm(
        name="xgboost",
        flavour="xgboost",
        libraries=("xgboost", "numpy"),
        parameters=asdict(chosen),
        build=build,
    )
