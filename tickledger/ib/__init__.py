"""Interactive Brokers through its client library: the only package that imports it.

What belongs here: the `RemoteBroker` over a socket to TWS or IB Gateway, its market and historical data, and what
IB's answers mean. The library carries and decodes messages; its picture of orders (`Trade`) is not used, because it
calls a live order cancelled on any error code it does not know. What does not belong here: decisions about orders.
"""
