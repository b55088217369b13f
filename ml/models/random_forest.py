"""Random forest (Breiman, Machine Learning 45 (2001) 5), shallow and heavily averaged.

Labels of `horizon` = 5 sessions overlap, so about one row in five is new information; each tree is grown on
a fifth of the rows, as López de Prado advises (*Advances in Financial Machine Learning*, ch. 4.5 and 6.3.3:
`max_samples` = average uniqueness), and large leaves keep it from learning noise.

One thread: with more, the trees' probabilities are summed in the order in which the threads finish, and two
predictions of the same rows differ in their last bits.
"""

from dataclasses import asdict, dataclass
from typing import cast

from ml.models.algorithm import Algorithm, Classifier


@dataclass(frozen=True, slots=True)
class RandomForestParameters:
    """scikit-learn's names; `max_samples` is the fraction of rows a tree sees."""

    n_estimators: int = 200
    max_depth: int = 6
    min_samples_leaf: int = 25
    max_features: str = "sqrt"
    max_samples: float = 0.2
    random_state: int = 20000301


def random_forest(parameters: RandomForestParameters | None = None) -> Algorithm:
    """The row of the table for a random forest."""
    chosen = parameters or RandomForestParameters()

    def build() -> Classifier:
        from sklearn.ensemble import RandomForestClassifier  # noqa: PLC0415  slow to import

        return cast("Classifier", RandomForestClassifier(**asdict(chosen), n_jobs=1))

    return Algorithm(
        name="random_forest",
        flavour="sklearn",
        libraries=("scikit-learn", "numpy"),
        parameters=asdict(chosen),
        build=build,
    )
