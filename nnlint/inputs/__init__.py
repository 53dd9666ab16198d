"""Example inputs for a network nobody gave one for: what its code says it takes, and a bounded search."""
