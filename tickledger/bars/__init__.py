"""Bars: where they come from, what makes one good, the exchange calendar, and adjustment for corporate actions."""
