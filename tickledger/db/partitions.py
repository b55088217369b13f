"""The yearly partitions of market_data, made as the first bar of a year arrives.

Plain PostgreSQL partitions rather than a TimescaleDB hypertable: rows all over the lineage refer to bars by
foreign key, and the same schema works on every server.
"""

from collections.abc import Iterable

from sqlalchemy import Engine, text

from tickledger.db.versions import writing


def ensure_years(engine: Engine, years: Iterable[int]) -> None:
    """Make the partitions of `years` that are missing, in a transaction of their own so that readers wait briefly."""
    wanted = sorted(set(years))
    if all(_exist(engine, wanted).values()):
        return
    with writing(engine, "market_data") as (connection, _):
        for year in wanted:
            connection.execute(
                text(
                    f"CREATE TABLE IF NOT EXISTS market_data_{year:04d} PARTITION OF market_data"
                    f" FOR VALUES FROM ('{year:04d}-01-01Z') TO ('{year + 1:04d}-01-01Z')"
                )
            )


def _exist(engine: Engine, years: list[int]) -> dict[int, bool]:
    names = {f"market_data_{year:04d}": year for year in years}
    with engine.connect() as connection:
        rows = connection.execute(
            text("SELECT name, to_regclass(name) IS NOT NULL FROM unnest(CAST(:names AS text[])) AS name"),
            {"names": list(names)},
        )
        return {names[name]: exists for name, exists in rows}
