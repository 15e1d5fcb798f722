"""A plan becomes a run: launched, executed step by step, recorded."""
