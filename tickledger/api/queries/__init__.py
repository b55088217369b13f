"""What the pages ask the ledger: aggregates and pages of rows, never a table as a whole.

Every function is one short read on one connection. Where the ledger does not answer it raises what SQLAlchemy raises;
the shell of the dashboard tells that on the page.
"""
