"""Model versions as the registry made them, and which of them is the champion."""

from collections.abc import Collection, Iterable
from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, Engine, insert, select
from sqlalchemy.dialects.postgresql import insert as insert_if_new

from tickledger.db.records import as_values, select_fields
from tickledger.db.tables import model_promotions, model_versions
from tickledger.db.versions import writing
from tickledger.domain.errors import LedgerError
from tickledger.domain.model import ModelVersion


def record_model_version(engine: Engine, model: ModelVersion) -> None:
    """Record `model` where it is new and, where it is the champion of its name and year, that it was promoted.

    The first record of a version stands, also where the registry lost its artifact and made it again. Raises
    LedgerError where its id stands for another model.
    """
    row = {name: value for name, value in asdict(model).items() if name in model_versions.c}
    with writing(engine, "research") as (connection, at):
        statement = insert_if_new(model_versions).on_conflict_do_nothing(index_elements=["model_version_id"])
        connection.execute(statement, row | {"recorded_at": at, "feature_names": list(model.feature_names)})
        _refuse_other(connection, model)
        if model.is_champion and _champion(connection, model) != model.model_version_id:
            promotion = {name: row[name] for name in ("model_version_id", "name", "trained_for_year")}
            connection.execute(insert(model_promotions), promotion | {"recorded_at": at})


def record_model_versions(engine: Engine, models: Iterable[ModelVersion]) -> None:
    """Record each of `models`; see `record_model_version`."""
    for model in models:
        record_model_version(engine, model)


def read_model_versions(engine: Engine, name: str, *, year: int | None = None) -> list[ModelVersion]:
    """The versions of `name`, of one year's or all, by version; `is_champion` as it is now."""
    last = (
        select(model_promotions.c.model_version_id)
        .distinct(model_promotions.c.name, model_promotions.c.trained_for_year)
        .order_by(model_promotions.c.name, model_promotions.c.trained_for_year, model_promotions.c.promotion_id.desc())
    )
    is_champion = model_versions.c.model_version_id.in_(last)
    statement = select_fields(model_versions, ModelVersion, is_champion=is_champion)
    statement = statement.where(model_versions.c.name == name).order_by(model_versions.c.version)
    if year is not None:
        statement = statement.where(model_versions.c.trained_for_year == year)
    with engine.connect() as connection:
        return as_values(connection, statement, ModelVersion, decoders={"feature_names": tuple})


def read_champions(engine: Engine, name: str, *, years: Collection[int]) -> list[ModelVersion]:
    """The champion of `name` for each of `years`, in their order.

    Raises LedgerError naming the years that have none.
    """
    champions = {model.trained_for_year: model for model in read_model_versions(engine, name) if model.is_champion}
    missing = [year for year in years if year not in champions]
    if missing:
        raise LedgerError(f"expected a champion of model {name} for {', '.join(map(str, missing))}, found none")
    return [champions[year] for year in years]


def _refuse_other(connection: Connection, model: ModelVersion) -> None:
    identity = ("name", "fingerprint", "trained_for_year")
    columns = (model_versions.c[name] for name in identity)
    same_id = model_versions.c.model_version_id == model.model_version_id
    recorded = tuple(connection.execute(select(*columns).where(same_id)).one())
    found = tuple(getattr(model, name) for name in identity)
    if recorded != found:
        raise LedgerError(f"{model.model_version_id} is recorded as {recorded}, found {found}: {', '.join(identity)}")


def _champion(connection: Connection, model: ModelVersion) -> Any:  # noqa: ANN401  the id, or None
    return connection.execute(
        select(model_promotions.c.model_version_id)
        .where(model_promotions.c.name == model.name, model_promotions.c.trained_for_year == model.trained_for_year)
        .order_by(model_promotions.c.promotion_id.desc())
        .limit(1)
    ).scalar()
