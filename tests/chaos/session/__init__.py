"""Chaos of whole trading sessions: each a process with an event loop of its own, on one time that jumps.

They trade by the session's own strategies, stops and algorithms over real sockets at one gateway. They die, are frozen
and thaw at every boundary of their ports, and are succeeded; the gateway, the line and the database fail. In the end
the record, the session's own book and the gateway agree, nobody traded beside a successor, nothing was sold that was
not held, and every session's journal of inputs is played again to the same decisions.
"""
