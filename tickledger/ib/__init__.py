"""Interactive Brokers through its client library: the only package that imports it."""
