"""Features: what the bars up to an instant say about it, free of price and volume levels, and nothing after it."""
