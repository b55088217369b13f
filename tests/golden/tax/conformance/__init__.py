"""The public conformance suite of US tax lots and wash sales, for any program; the cases lie in ``../cases``.

What belongs here: reading the cases, running a program on them, comparing. Nothing here imports the program
under test. ``docs/conformance.md`` describes the format; run it as ``python -m tests.golden.tax.conformance``.
"""
