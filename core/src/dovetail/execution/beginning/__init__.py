"""The beginning of a run: which steps it is to execute, on which code, and what is settled before it."""
