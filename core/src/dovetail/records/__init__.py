"""Frozen values that cross a border: between processes, into a store, out to a user."""
