"""Stacks, profiles that keep them, and the workspace they are chosen in."""
