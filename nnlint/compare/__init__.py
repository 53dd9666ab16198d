"""Two networks trained against each other: paired runs, their statistics, their cost."""
