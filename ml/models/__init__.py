"""The algorithms that compete: a table of frozen parameters and the function that builds the estimator.

Adding one is adding a module here and a row to `DIRECTION_ALGORITHMS`. The libraries are slow to import and
load where an estimator is built.
"""

from typing import Final

from ml.models.algorithm import Algorithm, Classifier, Flavour
from ml.models.gradient_boosting import gradient_boosting
from ml.models.random_forest import random_forest

#: What is tried on the direction of a symbol, every year anew.
DIRECTION_ALGORITHMS: Final[tuple[Algorithm, ...]] = (random_forest(), gradient_boosting())

__all__ = ["DIRECTION_ALGORITHMS", "Algorithm", "Classifier", "Flavour", "gradient_boosting", "random_forest"]
