"""Alerts on their way to a person: what is sent, through which channel, how often, and what happens if that fails.

What belongs here: wording for a channel, its limits, pacing, retries. What does not: deciding that something is worth
an alert (whoever sees it happen does that, in the words of `tickledger.domain.alert_wording`).

`Notifier.notify` puts an alert into an `Outbox` of each channel and returns; threads of the channels do the rest:

    alert → Backlog (repeats counted, fills gathered, bounded) → Outbox (pace, retries) → Message → Channel
"""
