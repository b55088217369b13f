"""A registered model version: what was trained on what, so that a signal can name it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """One version in the model registry.

    `trained_for_year` is the calendar year whose signals it may make; it saw no bar of that year.
    `fingerprint` hashes data, parameters, features and algorithm: equal fingerprints are the same model.
    `train_start_date` and `train_end_date` are the first and last session whose labels it saw.
    """

    model_version_id: str
    name: str
    version: int
    algorithm: str
    trained_for_year: int
    train_start_date: date
    train_end_date: date
    feature_set: str
    feature_names: tuple[str, ...]
    data_sha256: str
    fingerprint: str
    git_commit: str
    git_diff_sha256: str
    mlflow_run_id: str
    parameters: Mapping[str, str]
    metrics: Mapping[str, float]
    is_champion: bool
