"""What is installed: found by importlib-metadata, loaded by stevedore, asked by pluggy, kept as an index."""
