"""Sensors look outside and ask for a run.

What belongs here: noticing that something outside has changed. What does not: doing anything about it.
"""
