"""The direction models of whole years: trained where the registry does not hold them yet, asked where it does."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

from ml.code_state import code_state
from ml.training import plan_direction, train
from tickledger.domain.model import ModelVersion
from tickledger.domain.signal import Signal
from tickledger.features.daily import FEATURE_NAMES, FEATURE_SET
from tickledger.strategies.signals import daily_signals

if TYPE_CHECKING:
    from ml.registry import ModelRegistry


def direction_models(
    registry: "ModelRegistry", *, features: pd.DataFrame, adjusted: pd.DataFrame, years: Sequence[int]
) -> list[ModelVersion]:
    """Every candidate of each of `years`, one of each year the champion; only what is new is trained.

    `features` and `adjusted` may reach further than a year's training may look: each year purges its own.
    """
    return [
        version
        for year in years
        for version in _models_of_year(registry, features=features, adjusted=adjusted, year=year)
    ]


def _models_of_year(
    registry: "ModelRegistry", *, features: pd.DataFrame, adjusted: pd.DataFrame, year: int
) -> list[ModelVersion]:
    plan = plan_direction(features, adjusted, year=year, feature_names=FEATURE_NAMES, feature_set=FEATURE_SET)
    return registry.registered(plan) or registry.register(train(plan), code=code_state())


def direction_signals(
    registry: "ModelRegistry", *, features: pd.DataFrame, champions: Sequence[ModelVersion]
) -> list[Signal]:
    """The signals of every strategy for each feature row, each year's from the champion trained for it."""
    years = features["timestamp"].dt.year
    return [
        signal
        for champion in champions
        for signal in _signals_of_year(
            registry, features=features[years == champion.trained_for_year], champion=champion
        )
    ]


def _signals_of_year(registry: "ModelRegistry", *, features: pd.DataFrame, champion: ModelVersion) -> list[Signal]:
    probabilities = registry.load(champion).probability_up(features)
    return daily_signals(features, probabilities=probabilities, model_version_id=champion.model_version_id)
