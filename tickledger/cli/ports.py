"""TCP ports of this machine: whether one can be listened on, and one that can."""

import socket
from typing import Final

LOOPBACK: Final = "127.0.0.1"


def port_problem(port: int) -> str | None:
    """Why nothing can listen on `port` of the loopback interface; None where it is free."""
    with socket.socket() as listener:
        # A port is free although connections to its last listener are still closing.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((LOOPBACK, port))
        except OSError as error:
            return error.strerror or str(error)
    return None


def free_port() -> int:
    """A port that nothing listens on at this moment."""
    with socket.socket() as listener:
        listener.bind((LOOPBACK, 0))
        port: int = listener.getsockname()[1]
    return port


def accepts(port: int) -> bool:
    """Whether something accepts connections at `port`."""
    with socket.socket() as client:
        client.settimeout(1)
        return client.connect_ex((LOOPBACK, port)) == 0
