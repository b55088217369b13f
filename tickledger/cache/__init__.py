"""Redis: what the session knows now, for other processes to look at.

What belongs here: the names of keys and channels, how values read as JSON, the embedded server, publishing and reading.
What does not: anything that has to be kept. Every value here is a copy of what the session or the ledger holds, so
losing Redis loses nothing, and nothing that trades ever reads from it.
"""
