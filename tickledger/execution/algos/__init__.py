"""Execution algorithms: how a parent order is worked as child orders, on any broker.

What belongs here: decisions. `terms` holds what every algorithm is told, `parent` the state it decides from and the
actions it decides on, `pricing` and `sizing` what a child costs and how large it is, `working` the rules that all
algorithms share (safety first), `schedule` and `volume_curve` when how much is due, and `twap`, `vwap` and `adaptive`
what tells them apart. `broker_algos` names the broker's own algorithms. What does not: sending, waiting, the clock;
`tickledger.execution.parent_orders` does those.
"""
