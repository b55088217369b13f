"""The outside world as Dagster resources: the ledger, the Parquet lake, files of market data, the model registry.

What belongs here: thin `ConfigurableResource`s around a part of `tickledger` or `ml`, and nothing that decides.
"""
