"""The exchange's side of a trade: when an order fills, at what price, and what it costs.

What belongs here: pure rules that take an order and a bar, or a fill and a date. One implementation serves the
simulated broker, the backtest and the simulated gateway. What does not: accounts, cash, order states, clocks.
"""
