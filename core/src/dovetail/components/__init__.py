"""The contracts: one abstract class for each component type, and what all components share."""
