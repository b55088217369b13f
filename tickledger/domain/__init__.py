"""The vocabulary that every other part shares: frozen values, ports and errors.

What belongs here: types with a meaning in the field (an order, a lot, a signal), the identifiers that tie
them together, and the protocols of the outside world. What does not: input or output, clocks, pandas,
databases, rules of trading or of tax.
"""
