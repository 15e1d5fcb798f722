"""Processes for steps: pool, supervisor, warm process, and what they say to each other."""
