"""Judging a strategy by what it did: performance metrics of return series and of trades.

What belongs here: pure functions of series and rows. What does not: the trading itself, charts, files.
"""
