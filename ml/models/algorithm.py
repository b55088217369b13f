"""What an algorithm is: a name, parameters as data, and how an unfitted estimator is made of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import Literal, Protocol, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Flavour = Literal["sklearn", "xgboost"]


class Classifier(Protocol):
    """The part of scikit-learn's classifier interface that is used here; `feature_names_in_` exists once fitted."""

    @property
    def feature_names_in_(self) -> NDArray[np.str_]: ...

    def fit(self, values: pd.DataFrame, labels: NDArray[np.int8], /) -> Self: ...

    def predict_proba(self, values: pd.DataFrame, /) -> NDArray[np.floating]: ...


@dataclass(frozen=True, slots=True)
class Algorithm:
    """One way to learn direction. `parameters` decide the result completely, together with `libraries`.

    `flavour` is the form in which the registry stores the estimator; `libraries` are the distributions whose
    versions the result depends on.
    """

    name: str
    flavour: Flavour
    libraries: tuple[str, ...]
    parameters: Mapping[str, str | int | float]
    build: Callable[[], Classifier]

    @property
    def library_versions(self) -> Mapping[str, str]:
        """The installed version of each library."""
        return {library: version(library) for library in self.libraries}
