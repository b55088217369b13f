"""The pass over fills, as plain functions on tables of integers.

What belongs here: how a fill opens and closes lots, how a loss meets its replacements, and how exact amounts become
cents. A row of a table is a sequence of integers whose places are named in `columns`; a row refers to another by
its number, and −1 is none. Shares are in units, money is in the units of `arithmetic`, dates are ordinals.

The functions are written in the part of Python that numba compiles, and run in two ways (see `running`): as they
are, on lists of lists, for short histories and for numbers beyond 64 bits; compiled, on arrays, for long ones. What
does not belong here: files, decimals, dates as objects, messages, and what happens rarely (corporate actions,
exercised options), which works on the same tables from outside.
"""
