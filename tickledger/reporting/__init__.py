"""Reports: rows for people and files, computed from what the ledger recorded.

What belongs here: pure functions from rows to rows or text. What does not: queries, writing, the tax rules.
"""
