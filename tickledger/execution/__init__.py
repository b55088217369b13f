"""The trading session: orders and their states, the account's book, the journal, and the loop that runs them.

What belongs here: `session` (the loop, the same for replay, paper and live), the ports' implementations that
need no outside world (`clock`, `simulated`, `journal`) and `replay`, which wires them to recorded data. What does
not: strategies, risk rules, prices of fills; and anything that opens a connection.
"""
