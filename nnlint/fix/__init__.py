"""Fixes applied: each is tried on a copy in memory, verified by running the network again, and only then written."""
