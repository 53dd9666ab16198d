"""The configuration: where it is found, what it may say, and what it means for a file."""
