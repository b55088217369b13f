"""What runs together and when: the one Definitions, its jobs and schedules, and the Dagster instance they run in.

What belongs here: selections of assets, cron lines, limits and wiring. What does not: an asset's body, a rule of
trading or of tax, anything that computes.
"""
