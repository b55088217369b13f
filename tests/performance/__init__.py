"""What the commands cost. ``make bench`` prints it beside the limits; nothing here is a timed assertion."""
