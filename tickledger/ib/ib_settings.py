"""What the adapter has to be told: where the gateway is, who we are, and how long anything may take."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class IBSettings:
    """Where and as whom to connect. All times are seconds.

    `acknowledgement_timeout`: how long after an order was sent silence makes it UNKNOWN. `fill_grace`: how long the
    fills of an order that is said to be filled may take before they are asked for. `liveness_interval`,
    `liveness_timeout`: how often the gateway is asked for its time, and how long it may take to answer before the
    socket counts as half open. `time_zone`: of instants that the gateway sends without one. `fee_schedule`: what
    estimates charges until they are reported (`tickledger.exchange.fees`). `messages_per_second` stays below IB's 50;
    `reserved_messages` of them are kept for cancels.
    """

    host: str
    port: int
    client_id: int
    account_id: str
    connect_timeout: float = 10.0
    request_timeout: float = 10.0
    completed_orders_timeout: float = 4.0
    acknowledgement_timeout: float = 5.0
    fill_grace: float = 1.0
    liveness_interval: float = 5.0
    liveness_timeout: float = 5.0
    first_backoff: float = 0.5
    longest_backoff: float = 30.0
    messages_per_second: int = 48
    reserved_messages: int = 8
    time_zone: str = "America/New_York"
    fee_schedule: str = "ib_fixed"
