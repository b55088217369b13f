"""Strategies: from features, and what a model says of them, to signals, and from signals to wanted holdings.

What belongs here: one module per strategy, a pure function of one feature row (`momentum`, `mean_reversion`,
`ml`, and `composite` over their opinions), the signals of a frame (`signals`, `schemas`), and `sizing`. What
does not: data, models, limits (`tickledger.risk`), orders' lives (`tickledger.execution`).
"""
