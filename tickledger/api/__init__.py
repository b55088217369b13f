"""What people and programs open over HTTP: one FastAPI process on this machine, with the dashboard in it.

Nothing is decided here: pages show what the ledger and the cache hold, and what a person asks for is written by the
same functions that the commands use.
"""
