"""A trained model as the strategies' side sees it: features in, probabilities of an upward move out."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml.models import Classifier
from tickledger.domain.errors import ConfigurationError, InputError, Problem
from tickledger.domain.model import ModelVersion


@dataclass(frozen=True, slots=True)
class DirectionModel:
    """An estimator and the version of the registry it was loaded from.

    Raises ConfigurationError where the estimator was fitted on other features than the version names.
    """

    version: ModelVersion
    estimator: Classifier

    def __post_init__(self) -> None:
        fitted = tuple(str(name) for name in self.estimator.feature_names_in_)
        if fitted != self.version.feature_names:
            raise ConfigurationError(
                f"model version {self.version.model_version_id}: expected an artifact fitted on "
                f"{', '.join(self.version.feature_names)}; found {', '.join(fitted)}"
            )

    def probability_up(self, features: pd.DataFrame) -> NDArray[np.float64]:
        """The probability of a rise for each row, in the frame's order; its columns may be in any order.

        Raises InputError naming the features that the frame lacks.
        """
        names = list(self.version.feature_names)
        missing = [name for name in names if name not in features.columns]
        if missing:
            expected = f"the features of {self.version.feature_set}"
            raise InputError(
                [Problem(where="features", column=name, expected=expected, found="no such column") for name in missing]
            )
        if features.empty:
            return np.empty(0, dtype=np.float64)
        return self.estimator.predict_proba(features[names].astype(np.float32))[:, 1].astype(np.float64)
