"""What large values cost on their way through one hop: arrays and tables."""
