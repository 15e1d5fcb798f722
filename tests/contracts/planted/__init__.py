"""Implementations with one fault each, by the contract that must find it."""
