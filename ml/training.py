"""Training: every algorithm on the same past, judged on the end of it, then refitted on all of it.

To train for year Y: take the rows whose labels were known before Y; hold out the last fifth of their sessions
and purge the rows before it that share a label with it; fit on the rest and evaluate on the part held out;
finally fit once more on all rows. The metrics describe the first fit, predictions come from the second: the
newest past is worth more in the model than in a held-out set once the choice has been made. The champion is the
candidate with the lowest held-out log loss.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml.datasets import HORIZON_SESSIONS, TrainingSet, direction_training_set
from ml.evaluation import evaluate
from ml.models import DIRECTION_ALGORITHMS, Algorithm, Classifier
from ml.splits import last_part
from tickledger.features.daily import FEATURE_NAMES, FEATURE_SET

#: Changes when the rules of this module change, so that older models are not taken for the same.
RECIPE: Final = "direction-1"
VALIDATION_FRACTION: Final = 0.2
#: The metric that decides, lower is better.
DECIDING_METRIC: Final = "validation_log_loss"


@dataclass(frozen=True, slots=True)
class TrainingPlan:
    """What will be trained on what: known before a single tree is grown, so that it need not be done twice."""

    year: int
    feature_set: str
    data: TrainingSet
    algorithms: tuple[Algorithm, ...]
    data_sha256: str

    @property
    def fingerprints(self) -> tuple[str, ...]:
        """One for each algorithm."""
        return tuple(self.fingerprint(algorithm) for algorithm in self.algorithms)

    def fingerprint(self, algorithm: Algorithm) -> str:
        """The hash of everything that a model's predictions follow from; equal fingerprints are the same model."""
        content = {
            "recipe": RECIPE,
            "data": self.data_sha256,
            "horizon": self.data.horizon,
            "feature_set": self.feature_set,
            "feature_names": self.data.feature_names,
            "algorithm": algorithm.name,
            "parameters": dict(algorithm.parameters),
            "libraries": dict(algorithm.library_versions),
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Candidate:
    """A trained estimator and where it comes from. `metrics` are those of the part held out, see the module."""

    plan: TrainingPlan
    algorithm: Algorithm
    estimator: Classifier
    metrics: Mapping[str, float]

    @property
    def fingerprint(self) -> str:
        """What the estimator follows from, hashed."""
        return self.plan.fingerprint(self.algorithm)


def plan_direction(
    features: pd.DataFrame,
    adjusted: pd.DataFrame,
    *,
    year: int,
    feature_names: Sequence[str] = FEATURE_NAMES,
    feature_set: str = FEATURE_SET,
    horizon: int = HORIZON_SESSIONS,
    algorithms: Sequence[Algorithm] = DIRECTION_ALGORITHMS,
) -> TrainingPlan:
    """The plan for the models that may predict `year`: they see nothing of it.

    Raises InputError where there is too little past to learn from.
    """
    data = direction_training_set(features, adjusted, year=year, feature_names=feature_names, horizon=horizon)
    return TrainingPlan(
        year=year, feature_set=feature_set, data=data, algorithms=tuple(algorithms), data_sha256=data.sha256
    )


def train(plan: TrainingPlan) -> list[Candidate]:
    """A candidate for each algorithm of the plan, in its order."""
    return [_train_one(plan, algorithm) for algorithm in plan.algorithms]


def train_direction(
    features: pd.DataFrame,
    adjusted: pd.DataFrame,
    *,
    year: int,
    feature_names: Sequence[str] = FEATURE_NAMES,
    feature_set: str = FEATURE_SET,
    horizon: int = HORIZON_SESSIONS,
) -> list[Candidate]:
    """Plan and train in one call; see `plan_direction` and `train`."""
    return train(
        plan_direction(
            features, adjusted, year=year, feature_names=feature_names, feature_set=feature_set, horizon=horizon
        )
    )


def champion(candidates: Sequence[Candidate]) -> Candidate:
    """The candidate with the lowest held-out log loss; the earlier in the alphabet among equals."""
    return min(candidates, key=lambda candidate: (candidate.metrics[DECIDING_METRIC], candidate.algorithm.name))


def _train_one(plan: TrainingPlan, algorithm: Algorithm) -> Candidate:
    data = plan.data
    split = last_part(data.windows, fraction=VALIDATION_FRACTION, embargo=data.horizon)
    judged = algorithm.build().fit(data.frame(split.train), data.labels[split.train])
    outcome = evaluate(
        data.labels[split.validation],
        _probability_up(judged, data.frame(split.validation)),
        prior=float(data.labels[split.train].mean()),
    )
    metrics = {f"validation_{name}": value for name, value in outcome.items()}
    metrics |= {"rows_trained": len(data), "rows_fitted": len(split.train), "rows_validated": len(split.validation)}
    final = algorithm.build().fit(data.frame(), data.labels)
    return Candidate(plan=plan, algorithm=algorithm, estimator=final, metrics=metrics)


def _probability_up(estimator: Classifier, values: pd.DataFrame) -> NDArray[np.float64]:
    return estimator.predict_proba(values)[:, 1].astype(np.float64)
